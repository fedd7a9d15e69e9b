import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import {
  type Collision,
  type CollisionChoice,
  collisionChoiceSchema,
  counted,
  formatPlace,
  parsePlace,
  type RestorePreview,
  type RestoreSource,
  type RestoreTarget,
} from '../../contract/index.ts';
import { livePlace } from './browsing-commands.ts';
import { addCommand, type CommandContext, type Options, type Surroundings } from './command.ts';
import { followJob, showEnd } from './job-following.ts';
import { toJson } from './output.ts';
import { parsePeer } from './peer-reading.ts';
import { formatModified } from './values.ts';

interface RestoreOptions {
  readonly to?: string;
  readonly toFolder?: string;
  readonly original?: boolean;
  readonly volume?: string;
  readonly collisions: string;
  readonly peer?: string;
  readonly dryRun?: boolean;
}

/** One state and paths in it, from places that all name it. */
function parseSource(texts: readonly string[], peer: string | undefined): RestoreSource {
  const places = texts.map((text) => parsePlace(text));
  const [first, ...rest] = places as [RestoreSource & { path: string }, ...typeof places];
  const state = (place: (typeof places)[number]): string => formatPlace({ ...place, path: '/' });
  const other = rest.find((place) => state(place) !== state(first));
  if (other !== undefined) {
    throw new MirrorpointError('argument-invalid', `${formatPlace(first)} and ${formatPlace(other)} are of different states. Restore from one at a time.`);
  }
  const { volume, at } = first;
  return { volume, at, paths: places.map(({ path }) => path), ...(peer !== undefined && parsePeer(peer)) };
}

function parseTarget(options: RestoreOptions, source: RestoreSource): RestoreTarget {
  const { to, toFolder, original, volume } = options;
  const given = [to, toFolder, original].filter((one) => one !== undefined);
  if (given.length !== 1) throw new MirrorpointError('argument-invalid', 'Say where to: one of --to VOLUME:/folder, --to-folder LOCAL and --original.');
  if (volume !== undefined && original !== true) throw new MirrorpointError('argument-invalid', '--volume says whose places --original means. Leave it out, or restore with --original.');
  if (toFolder !== undefined) return { kind: 'local', folder: resolve(toFolder) };
  if (to !== undefined) {
    const place = livePlace(to);
    return { kind: 'volume', volume: place.volume, folder: place.path };
  }
  if (volume === undefined && source.peer !== undefined) {
    throw new MirrorpointError('argument-invalid', 'Say by --volume which volume of this server the places are in: the paired server has another name for it.');
  }
  return { kind: 'volume', volume: volume ?? source.volume };
}

function parseChoice(text: string): CollisionChoice {
  const choice = collisionChoiceSchema.safeParse(text);
  if (choice.success) return choice.data;
  throw new MirrorpointError('argument-invalid', `'${text}' is nothing to do with what is there already. Write keep-both, replace or skip.`);
}

function shownEntry({ kind, sizeBytes, modifiedNs }: Collision['incoming']): string {
  return `${kind}, ${formatBytes(sizeBytes)}, ${formatModified(modifiedNs)}`;
}

function previewLines(preview: RestorePreview): string[] {
  const { files, directories, bytes, isPart, collisions, freeBytes } = preview;
  const what = `${isPart ? 'At least ' : ''}${counted(files, 'file')} and ${counted(directories, 'folder')}, ${formatBytes(bytes)}, would come in; ${formatBytes(freeBytes)} are free.`;
  const part = isPart ? ['There is more than was looked at.'] : [];
  const head = collisions.length === 0 ? ['Nothing is in the way.'] : [`${counted(collisions.length, 'entry', 'entries')} of ${collisions.length === 1 ? 'its name is' : 'their names are'} there already:`];
  return [what, ...part, ...head, ...collisions.map(({ target, incoming, existing }) => `  ${target}: there is (${shownEntry(existing)}), would come (${shownEntry(incoming)})`)];
}

async function restore(context: CommandContext, options: Options, texts: readonly string[]): Promise<void> {
  const given = options as unknown as RestoreOptions;
  const source = parseSource(texts, given.peer);
  const target = parseTarget(given, source);
  const collisions = parseChoice(given.collisions);
  await context.withClient(async (client) => {
    if (given.dryRun === true) {
      const preview = await client.restore.preview({ source, target });
      context.output.result(JSON.parse(toJson(preview)), () => previewLines(preview));
      return;
    }
    const { jobId } = await client.restore.start({ source, target, collisions });
    showEnd(context, await followJob(context, client, jobId));
  });
}

export function addRestoreCommands(program: Command, surroundings: Surroundings): void {
  addCommand<[string[]]>(
    program,
    surroundings,
    {
      usage: 'restore <place...>',
      summary: 'restore files and folders of any state: into a volume, back to where they were, or to a local folder',
      examples: [
        'restore work@monday:/projects/plan.txt --original',
        'restore work@monday:/projects work@monday:/notes --to work:/from-monday --dry-run',
        'restore copy@monday:/projects --peer office --original --volume work --collisions replace',
        'restore copy@last:/projects --peer office --to-folder ./projects-of-the-mirror',
      ],
    },
    (command) =>
      command
        .option('--to <place>', 'into this folder of a volume, each under its own name')
        .option('--to-folder <local>', 'into this folder of the machine')
        .option('--original', 'each to where it was; missing folders are made')
        .option('--volume <name>', 'with --original: the volume here, where it has another name than on the paired server')
        .option('--collisions <choice>', 'what to do where something else of the name is: keep-both, replace (after a snapshot of the volume), skip', 'keep-both')
        .option('--peer <peer>', 'from this paired server: its name or identity; with @tls://HOST:PORT behind it where no volume is linked to it')
        .option('--dry-run', 'only say what would come, and what is in the way'),
    async (context, options, places) => restore(context, options, places),
  );
}
