import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import type { MirrorpointClient, ScrubResult, ScrubStatus } from '../../contract/index.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { formatDuration, formatTime, parseSize } from './values.ts';

/** `32M`; 0 is for the server to refuse. */
function parseRate(text: string): number {
  return /^0+[a-z]*$/i.test(text) ? 0 : parseSize(text);
}

/** Days from `30d`, or 0 from `off`. */
function parseDays(text: string): number {
  if (text === 'off') return 0;
  const match = /^([1-9][0-9]{0,3})d$/.exec(text);
  if (match !== null && Number(match[1]) <= 3650) return Number(match[1]);
  throw new MirrorpointError('argument-invalid', `'${text}' is no number of days. Write it like 7d or 30d, or off.`);
}

function resultLines(last: ScrubResult): string[] {
  const { startedWallMs, endedWallMs, verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies, files, maps } = last;
  return [
    `The last scrub ended ${formatTime(endedWallMs)} after ${formatDuration(endedWallMs - startedWallMs)}: ${verifiedBlocks} blocks proven, ` +
      `${healedBlocks} rewritten from the other side, ${servedBlocks} right only there, ${lostBlocks} right nowhere, ` +
      `${mendedCopies} copies of root node and labels written anew.`,
    ...files.map(({ path, states }) => `  lost in part: ${path} (${states.join(', ')})`),
    ...maps.map((map) => `  lost in part: the volume's own map '${map}'`),
  ];
}

function passLine({ state, pass }: ScrubStatus): string[] {
  if (pass === undefined) return [];
  const { verifiedBlocks, usedBlocks, healedBlocks, servedBlocks, lostBlocks, bytesPerSecond, leftMs } = pass;
  const share = usedBlocks === 0 ? 100 : Math.floor((verifiedBlocks * 100) / usedBlocks);
  const left = state === 'running' && leftMs !== undefined ? `, ${formatDuration(leftMs)} left at ${formatBytes(bytesPerSecond)}/s` : '';
  return [
    `A scrub is ${state}: ${verifiedBlocks} of ${usedBlocks} blocks proven (${share} %)${left}. ` +
      `Bad: ${healedBlocks} rewritten, ${servedBlocks} right only on the other side, ${lostBlocks} right nowhere.`,
  ];
}

function statusLines(status: ScrubStatus): string[] {
  const { schedule, nextWallMs, last, heals } = status;
  const when = schedule.everyDays === 0 ? 'off' : `every ${schedule.everyDays} days${nextWallMs === undefined ? '' : `, next ${formatTime(nextWallMs)}`}`;
  return [
    ...passLine(status),
    ...(last === undefined ? ['No scrub has come to its end yet.'] : resultLines(last)),
    `Bad blocks met since the volume was opened: ${heals.healed} rewritten, ${heals.served} right only on the other side, ${heals.lost} right nowhere.`,
    `By itself: ${when}, at ${formatBytes(schedule.bytesPerSecond)}/s.`,
  ];
}

/** Follows a scrub until no pass runs any more. */
async function follow(context: CommandContext, client: MirrorpointClient, volume: string): Promise<ScrubStatus> {
  for await (const status of eventsOf(client.scrub.watch({ volume, intervalMs: 200 }), context.signal)) {
    if (status.state !== 'running') return status;
    context.output.progress(passLine(status).join(''));
  }
  throw new MirrorpointError('link-closed', 'The server ended before the scrub did; it goes on when the server runs again.');
}

function show({ output, exitWith }: CommandContext, status: ScrubStatus): void {
  if ((status.last?.lostBlocks ?? 0) > 0) exitWith(exitCodes.differences);
  output.result(status, () => statusLines(status));
}

function addRunning(scrub: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    scrub,
    surroundings,
    {
      usage: 'start <volume>',
      summary: 'prove every block in use, and heal what is bad from the other side; goes on with a pass that was paused',
      examples: ['scrub start work', 'scrub start work --limit 100M --wait'],
    },
    (command) =>
      command.option('--limit <size>', 'bytes per second of this pass (default: as the schedule says)').option('--wait', 'stay until the pass has ended'),
    async (context, options, volume) => {
      const { limit, wait } = options as { limit?: string; wait?: boolean };
      const request = { volume, ...(limit !== undefined && { bytesPerSecond: parseRate(limit) }) };
      await context.withClient(
        async (client) => {
          const status = await client.scrub.start(request);
          if (wait === true) show(context, await follow(context, client, volume));
          else context.output.result(status, () => statusLines(status));
        },
        { needsServer: true },
      );
    },
  );
  for (const [action, summary] of [
    ['pause', 'stop a pass for now; start goes on with it'],
    ['stop', 'give a pass up'],
  ] as const) {
    addCommand<[string]>(
      scrub,
      surroundings,
      { usage: `${action} <volume>`, summary },
      (command) => command,
      async ({ output, withClient }, _options, volume) => {
        const status = await withClient((client) => client.scrub[action]({ volume }), { needsServer: true });
        output.result(status, () => statusLines(status));
      },
    );
  }
}

export function addScrubCommands(program: Command, surroundings: Surroundings): void {
  const scrub = program.command('scrub').description('prove every block in use against its checksum, and heal it from the other side');
  addRunning(scrub, surroundings);
  addCommand<[string]>(
    scrub,
    surroundings,
    {
      usage: 'status <volume>',
      summary: 'show the pass under way, the last one, and the files that lost something',
      examples: ['scrub status work', 'scrub status work --watch'],
    },
    (command) => command.option('--watch', 'show it again whenever it changes, until Ctrl-C or the end of the pass'),
    async (context, options, volume) => {
      await context.withClient(async (client) => {
        const watched = (options as { watch?: boolean }).watch === true;
        show(context, watched ? await follow(context, client, volume) : await client.scrub.status({ volume }));
      });
    },
  );
  addCommand<[string]>(
    scrub,
    surroundings,
    {
      usage: 'schedule <volume>',
      summary: 'say how often a volume is scrubbed by itself, and how fast',
      examples: ['scrub schedule work --every 7d', 'scrub schedule work --every off', 'scrub schedule work --limit 20M'],
    },
    (command) => command.option('--every <days>', 'such as 30d, or off').option('--limit <size>', 'bytes per second'),
    async ({ output, withClient }, options, volume) => {
      const { every, limit } = options as { every?: string; limit?: string };
      const request = {
        volume,
        ...(every !== undefined && { everyDays: parseDays(every) }),
        ...(limit !== undefined && { bytesPerSecond: parseRate(limit) }),
      };
      const status = await withClient((client) => client.scrub.setSchedule(request));
      output.result(status, () => statusLines(status));
    },
  );
}
