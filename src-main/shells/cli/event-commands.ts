import type { Command } from 'commander';
import { MirrorpointError, systemClock } from '../../base/index.ts';
import type { Alert, ServerEvent } from '../../contract/index.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { formatTime, parseCount, parseSince } from './values.ts';

const pageMax = 1000;

/** An event in one line. */
export function eventLine({ wallMs, level, subject, text, next, alert }: ServerEvent): string {
  const mark = alert?.phase === 'cleared' ? 'cleared: ' : level === 'info' ? '' : `${level}: `;
  return `${formatTime(wallMs)} ${mark}${subject}: ${text}${next === undefined ? '' : ` ${next}`}`;
}

/** An alert in one line. */
export function alertLine({ level, subject, text, next, sinceWallMs }: Alert): string {
  return `${level === 'problem' ? 'PROBLEM' : 'ALERT'} ${subject}: ${text} ${next} (since ${formatTime(sinceWallMs)})`;
}

async function watchEvents({ output, withClient, signal }: CommandContext, backlog: number): Promise<void> {
  await withClient(
    async (client) => {
      try {
        for await (const { events } of eventsOf(client.events.watch({ backlog }), signal)) {
          for (const event of events) output.item(event, () => [eventLine(event)]);
        }
      } catch (thrown) {
        // Ctrl-C is how one stops watching.
        if (!signal.aborted) throw thrown;
      }
    },
    { needsServer: true },
  );
}

async function listEvents({ output, withClient }: CommandContext, choice: { limit: number; since: string | undefined }): Promise<void> {
  const { limit, since } = choice;
  const all: ServerEvent[] = [];
  await withClient(async (client) => {
    if (since === undefined) {
      all.push(...(await client.events.list({ limit })).events);
      return;
    }
    const sinceWallMs = parseSince(since, systemClock.wallMs());
    for (let after = 0, more = true; more; after = all.at(-1)!.id) {
      const page = await client.events.list({ after, sinceWallMs, limit: pageMax });
      all.push(...page.events);
      ({ more } = page);
      if (all.length === 0) return;
    }
  });
  output.result(all, () => (all.length === 0 ? ['Nothing has happened.'] : all.map(eventLine)));
}

export function addEventCommands(program: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    program,
    surroundings,
    {
      usage: 'events',
      summary: 'show what happened, the oldest first, also before the last restart',
      examples: ['events', 'events --since 24h', 'events --watch', 'events --since 2026-05-01T12:00Z --json'],
    },
    (command) =>
      command
        .option('--limit <count>', 'how many of the last ones', '50')
        .option('--since <time>', 'all since a time, or since so long ago: 15m, 24h, 7d')
        .option('--watch', 'go on with what happens until Ctrl-C'),
    async (context, options) => {
      const { limit, since, watch = false } = options as { limit: string; since?: string; watch?: boolean };
      if (watch && since !== undefined) {
        throw new MirrorpointError('argument-invalid', '--watch begins with the last events, and --since with those of a time. Use one of the two.');
      }
      const count = parseCount(limit);
      await (watch ? watchEvents(context, count) : listEvents(context, { limit: count, since }));
    },
  );
  addCommand<[]>(
    program,
    surroundings,
    { usage: 'alerts', summary: 'show the conditions that last now and want to be seen to' },
    (command) => command,
    async ({ output, withClient }) => {
      const { alerts } = await withClient((client) => client.server.status({}));
      output.result(alerts, () => (alerts.length === 0 ? ['There are no alerts.'] : alerts.map(alertLine)));
    },
  );
}
