import type { Command } from 'commander';
import { formatDuration, formatTime, MirrorpointError } from '../../base/index.ts';
import { type FailoverProspect, type KeptRootChoice, parsePlace, type SwitchOverStep } from '../../contract/index.ts';
import { askAtTerminal } from './question.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';

function stepLine({ step, cp, epoch }: SwitchOverStep): string {
  switch (step) {
    case 'stopping-changes':
      return 'The volume takes no more changes.';
    case 'last-cp':
      return `CP ${cp ?? 0} is the last one; the mirror gets it.`;
    case 'handing-over':
      return `The mirror has CP ${cp ?? 0}, and is asked to lead in epoch ${epoch ?? 0}.`;
  }
}

async function switchOver({ output, withClient, signal }: CommandContext, volume: string, address: string | undefined): Promise<void> {
  await withClient(
    async (client) => {
      const stream = client.failover.switchOver({ volume, ...(address !== undefined && { address }) });
      for await (const event of eventsOf(stream, signal)) {
        if (event.type === 'step') output.item(event, () => [stepLine(event)]);
        if (event.type !== 'done') continue;
        output.item(event, () => [
          `The roles are swapped after ${formatDuration(event.durationMs)}: the other server is the primary in epoch ${event.epoch}, and ` +
            'this one follows it. Nothing is lost.',
          'Other mirrors of the volume follow when they are linked on the new primary.',
        ]);
      }
    },
    { needsServer: true },
  );
}

async function abort({ output, withClient }: CommandContext, volume: string, isForced: boolean): Promise<void> {
  await withClient((client) => client.failover.abort({ volume, force: isForced }));
  output.result({}, () => [`Volume ${volume} is the primary here still, and takes changes again.`]);
}

/** `SNAPSHOT`, or `cp=NUMBER` of a CP that is kept. */
function parseKept(volume: string, text: string): KeptRootChoice {
  const { at } = parsePlace(`${volume}@${text}:/`);
  if (typeof at === 'object') return at;
  throw new MirrorpointError('argument-invalid', `'${text}' names no kept state: name a snapshot, or cp=NUMBER. Without --at it is the last CP.`);
}

function prospectLines(volume: string, prospect: FailoverProspect, at: string | undefined): string[] {
  const { cp, cpWallMs, ageMs, primaryCp, isConnected, primaryName = 'the primary' } = prospect;
  const missing =
    primaryCp > cp
      ? `${primaryName} is known to have taken CP ${primaryCp}: ${primaryCp - cp} CPs are missing here, and whatever it took since.`
      : `No newer CP of ${primaryName} is known here; whatever it took since then is missing.`;
  return [
    `The mirror ${volume} is at CP ${cp} of ${formatTime(cpWallMs)}, ${formatDuration(ageMs)} old.`,
    ...(at === undefined ? [] : [`It is to go on at ${at}; everything newer is given up here.`]),
    missing,
    isConnected
      ? `${primaryName} is connected. \`mirrorpoint switchover\` there would lose nothing.`
      : `When ${primaryName} comes back, it steps down, and what only it has is set aside there as a snapshot.`,
  ];
}

interface PromoteOptions {
  at?: string;
  force?: boolean;
  yes?: boolean;
}

async function promote(context: CommandContext, volume: string, options: PromoteOptions): Promise<void> {
  const { output, withClient, signal } = context;
  const { at, force = false, yes = false } = options;
  const kept = at === undefined ? undefined : parseKept(volume, at);
  await withClient(async (client) => {
    const prospect = await client.failover.prospect({ volume });
    // What is refused anyhow is refused without a question.
    const isRefused = prospect.cp === 0 || (prospect.isConnected && !force);
    if (!isRefused && !output.json) for (const line of prospectLines(volume, prospect, at)) output.note(line);
    if (!isRefused && !yes && !(await askAtTerminal(`Make this server the primary of ${volume}?`, signal))) {
      throw new MirrorpointError('cancelled', `Nothing was promoted: nobody agreed. Add --yes to promote ${volume} without a question.`);
    }
    const promoted = await client.failover.promote({ volume, force, ...(kept !== undefined && { at: kept }) });
    output.result({ ...promoted, prospect }, () => [
      `Volume ${volume} is the primary here from now on, at CP ${promoted.cp} in epoch ${promoted.epoch}.`,
    ]);
  });
}

export function addFailoverCommands(program: Command, surroundings: Surroundings): void {
  addCommand<[string, string | undefined]>(
    program,
    surroundings,
    {
      usage: 'switchover <volume> [address]',
      summary: 'on the primary: swap the roles with a mirror that is live; nothing is lost',
      examples: ['switchover work', 'switchover work tls://192.168.1.20:7400', 'switchover work --abort'],
    },
    (command) =>
      command
        .option('--abort', 'give up one whose outcome is not known, because the other server was not seen since')
        .option('--force', 'with --abort: although the mirror may lead by now; what is taken here until it is seen is set aside then'),
    async (context, options, volume, address) => {
      const { abort: isAborted = false, force = false } = options as { abort?: boolean; force?: boolean };
      if (isAborted) await abort(context, volume, force);
      else await switchOver(context, volume, address);
    },
  );
  addCommand<[string]>(
    program,
    surroundings,
    {
      usage: 'promote <volume>',
      summary: 'on the mirror: make it the primary when its primary is lost; says first what may be missing',
      examples: ['promote copy', 'promote copy --at monday --yes'],
    },
    (command) =>
      command
        .option('--at <snapshot>', 'go on at a snapshot, or at cp=NUMBER of a CP that is kept, instead of the last CP')
        .option('--force', 'although the primary is connected')
        .option('--yes', 'without a question'),
    async (context, options, volume) => {
      await promote(context, volume, options);
    },
  );
  addCommand<[string, string | undefined]>(
    program,
    surroundings,
    {
      usage: 'resync <volume> [address]',
      summary: 'on the primary: have a mirror follow that is ahead or of another history; what only it has is set aside there',
      examples: ['resync work', 'resync work tls://192.168.1.20:7400 --yes'],
    },
    (command) => command.option('--yes', 'without a question'),
    async ({ output, withClient, signal }, options, volume, address) => {
      const { yes = false } = options as { yes?: boolean };
      output.note('The mirror is to take the state of this primary. What only the mirror has stays readable there as a snapshot, until it is deleted or its room is needed.');
      await agree(`Have the mirror of ${volume} follow?`, { isYes: yes, signal });
      await withClient((client) => client.failover.resync({ volume, ...(address !== undefined && { address }) }), { needsServer: true });
      output.result({}, () => ['The mirror is compared and follows. Watch it by `mirrorpoint status --watch`.']);
    },
  );
}

/** A mirror's volume made empty; stands among the commands of volumes. */
export function addReset(volumes: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    volumes,
    surroundings,
    { usage: 'reset <volume>', summary: 'empty a mirror, so that it can take any volume; what it holds cannot be read any more', examples: ['volume reset copy'] },
    (command) => command.option('--yes', 'without a question'),
    async ({ output, withClient, signal }, options, volume) => {
      const { yes = false } = options as { yes?: boolean };
      await agree(`Empty the mirror ${volume}? What it holds cannot be read any more.`, { isYes: yes, signal });
      await withClient((client) => client.failover.reset({ volume }));
      output.result({}, () => [`The mirror ${volume} is empty, and takes the next volume that is linked to it.`]);
    },
  );
}

async function agree(question: string, how: { isYes: boolean; signal: AbortSignal }): Promise<void> {
  if (how.isYes || (await askAtTerminal(question, how.signal))) return;
  throw new MirrorpointError('cancelled', 'Nothing was done: nobody agreed. Add --yes to agree without a question.');
}
