import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, formatTime, MirrorpointError, reasonOf } from '../../base/index.ts';
import { counted, type FollowPreviewEvent, type FollowRequest, type FollowStatus, type FollowStep } from '../../contract/index.ts';
import { livePlace } from './browsing-commands.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { formatDuration, formatLongTime, parseLongTime } from './values.ts';

interface FollowOptions {
  readonly ignore?: readonly string[];
  readonly ignoreFrom?: string;
  readonly exact?: boolean;
  readonly compareEvery?: string;
  readonly dryRun?: boolean;
}

const stepWords: Readonly<Record<FollowStep['do'], string>> = {
  'make-folder': 'make folder',
  take: 'take',
  replace: 'replace',
  update: 'set mode, owner or time',
  link: 'give a further name',
  move: 'rename',
  remove: 'remove',
};

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (cause) {
    throw new MirrorpointError('not-found', `${file} could not be read: ${reasonOf(cause)}. Name a file with lines as in .gitignore.`, { cause });
  }
}

function requestOf(folder: string, place: string, options: FollowOptions): Parameters<CommandClientFollow>[0] {
  const { ignore = [], ignoreFrom, exact = false, compareEvery } = options;
  return {
    folder: resolve(folder),
    ...livePlace(place),
    ignore: [...ignore, ...(ignoreFrom === undefined ? [] : linesOf(ignoreFrom))],
    exact,
    ...(compareEvery !== undefined && { compareEveryMs: parseLongTime(compareEvery) }),
  };
}

type CommandClientFollow = (request: Omit<FollowRequest, 'compareEveryMs'> & { compareEveryMs?: number }) => void;

/** What was given to an option several times. */
function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function stepLine({ do: what, path, from, sizeBytes }: FollowStep): string {
  const size = sizeBytes === undefined ? '' : ` (${formatBytes(sizeBytes)})`;
  return from === undefined ? `${stepWords[what]} ${path}${size}` : `${stepWords[what]} ${from} to ${path}`;
}

async function showPreview({ output, signal, exitWith }: CommandContext, stream: Promise<AsyncIterable<FollowPreviewEvent>>): Promise<void> {
  for await (const event of eventsOf(stream, signal)) {
    if (event.type === 'step') output.item(event, () => [stepLine(event)]);
    else if (event.type === 'problem') output.item(event, () => [`leave out ${event.path}: ${event.message} [${event.code}]`]);
    else if (event.type === 'done') {
      if (event.problemCount > 0) exitWith(exitCodes.incomplete);
      output.item(event, () => [
        event.stepCount === 0 ? 'Nothing would be done: the volume has all of it.' : `${counted(event.stepCount, 'step')} would be done, ${formatBytes(event.bytes)} taken. Nothing was done.`,
      ]);
    }
  }
}

function followLines(status: FollowStatus): string[] {
  const { folder, volume, path, state, reason, lastCompareWallMs, lastCompareMs, compareEveryMs, waitingCount, takenCount, unwatchedCount, faultCount, faults, exact } = status;
  const lines = [`${folder} -> ${volume}:${path}: ${state}${reason === undefined ? '' : `. ${reason}`}`];
  const compared = lastCompareWallMs === undefined ? 'not compared in whole since the start' : `compared in whole ${formatTime(lastCompareWallMs)}, which took ${formatDuration(lastCompareMs ?? 0)}`;
  lines.push(`  ${counted(takenCount, 'entry', 'entries')} taken, ${waitingCount} waiting; ${compared}, every ${formatLongTime(compareEveryMs)}${exact ? '; exact' : ''}.`);
  if (unwatchedCount > 0) {
    lines.push(`  ${counted(unwatchedCount, 'folder')} without a watch: changes there come with the next compare. Raise fs.inotify.max_user_watches.`);
  }
  for (const { message, code } of faults) lines.push(`  ${message} [${code}]`);
  if (faultCount > faults.length) lines.push(`  ${faultCount - faults.length} more could not be taken.`);
  return lines;
}

export function addFollowCommands(program: Command, surroundings: Surroundings): void {
  const follow = program.command('follow').description("keep a local folder's changes flowing into a volume");
  addCommand<[string, string]>(
    follow,
    surroundings,
    {
      usage: 'start <folder> <place>',
      summary: 'take the folder in, and from then on what changes in it; `follow FOLDER PLACE` is short for this',
      examples: ['follow /srv/projects work:/projects', "follow /srv/projects work:/projects --ignore '*.tmp' --ignore build/ --dry-run"],
      isDefault: true,
    },
    (command) =>
      command
        .option('--ignore <pattern>', 'leave out what matches, as a line of .gitignore does; may be given again', gather)
        .option('--ignore-from <file>', 'lines as in .gitignore; those of .mirrorpointignore in the folder hold as well')
        .option('--exact', 'remove also what the folder never had')
        .option('--compare-every <time>', 'compare all of it so often, beside what is heard of it; 1h unless given')
        .option('--dry-run', 'only show what would be done'),
    async (context, options, folder, place) => {
      const { dryRun = false } = options as FollowOptions;
      const request = requestOf(folder, place, options);
      await context.withClient(async (client) => {
        if (dryRun) {
          await showPreview(context, client.follow.preview(request));
          return;
        }
        const status = await client.follow.add(request);
        context.output.result(status, () => [`${status.folder} is followed into ${status.volume}:${status.path} from now on. See \`mirrorpoint follow list\`.`]);
      });
    },
  );
  addCommand<[string | undefined]>(
    follow,
    surroundings,
    { usage: 'list [volume]', summary: 'show what is followed, how it stands and what could not be taken' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const { follows } = await withClient((client) => client.follow.list(volume === undefined ? {} : { volume }));
      output.result(follows, () => (follows.length === 0 ? ['No folder is followed.'] : follows.flatMap(followLines)));
    },
  );
  addCommand<[string]>(
    follow,
    surroundings,
    { usage: 'stop <place>', summary: 'follow no more; what is in the volume stays', examples: ['follow stop work:/projects'] },
    (command) => command,
    async ({ output, withClient }, _options, place) => {
      const target = livePlace(place);
      await withClient((client) => client.follow.remove(target));
      output.result({}, () => [`Nothing is followed into ${place} any more. What is there stays.`]);
    },
  );
}
