import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import {
  checkVolumePath,
  type CompareEvent,
  copiedWords,
  type CopyEvent,
  type CopyResult,
  type Difference,
  type JobProblem,
  type JobProgress,
  parsePlace,
  pathParts,
  type RemoveEvent,
} from '../../contract/index.ts';
import { livePlace } from './browsing-commands.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { parsePeer, withPeerOption } from './peer-reading.ts';
import { formatDuration } from './values.ts';

function problemLine(problem: JobProblem): string {
  return `${problem.message} [${problem.code}]`;
}

function progressText(progress: JobProgress): string {
  return `${progress.files} files, ${formatBytes(progress.bytes)}  ${progress.current ?? ''}`;
}

function copyLines(verb: string, result: CopyResult): string[] {
  const rate = result.durationMs > 0 ? `, ${formatBytes((result.bytes / result.durationMs) * 1000)}/s` : '';
  const unchanged = result.unchanged > 0 ? ` ${result.unchanged} unchanged.` : '';
  const left = result.problemCount > 0 ? ` ${result.problemCount} entries were left out.` : '';
  return [`${verb} ${copiedWords(result)} in ${formatDuration(result.durationMs)}${rate}.${unchanged}${left}`];
}

/** Shows the events of a copy; a job that left something out ends with its own exit status. */
async function follow(
  { output, signal, exitWith }: CommandContext,
  stream: Promise<AsyncIterable<CopyEvent>>,
  verb: string,
): Promise<void> {
  for await (const event of eventsOf(stream, signal)) {
    if (event.type === 'progress') output.progress(progressText(event));
    else if (event.type === 'problem') {
      if (output.json) output.item(event, () => []);
      else output.note(problemLine(event));
    } else {
      if (event.problemCount > 0) exitWith(exitCodes.incomplete);
      output.item(event, () => copyLines(verb, event));
    }
  }
}

function differenceLine(difference: Difference): string {
  const { path, what, local, volume } = difference;
  if (what === 'only-local') return `${path}: only in the local folder`;
  if (what === 'only-volume') return `${path}: only in the volume`;
  if (what === 'content') return `${path}: content ${local ?? 'differs'}`;
  return `${path}: ${what} ${local ?? ''} locally, ${volume ?? ''} in the volume`;
}

async function followCompare(
  { output, signal, exitWith }: CommandContext,
  stream: Promise<AsyncIterable<CompareEvent>>,
): Promise<void> {
  for await (const event of eventsOf(stream, signal)) {
    if (event.type === 'progress') output.progress(progressText(event));
    else if (event.type === 'problem') output.item(event, () => [problemLine(event)]);
    else if (event.type === 'difference') output.item(event, () => [differenceLine(event)]);
    else {
      if (event.differenceCount > 0) exitWith(exitCodes.differences);
      if (event.problemCount > 0) exitWith(exitCodes.incomplete);
      output.item(event, () => [
        `Compared ${event.files} files, ${event.directories} folders, ${event.symlinks} symbolic links, ${formatBytes(event.bytes)} ` +
          `${event.cp === 0 ? 'with the live state' : `at CP ${event.cp}`} in ${formatDuration(event.durationMs)}: ` +
          (event.differenceCount === 0 ? 'no difference.' : `${event.differenceCount} differences.`) +
          (event.problemCount === 0 ? '' : ` ${event.problemCount} entries could not be compared.`),
      ]);
    }
  }
}

async function followRemove(
  { output, signal }: CommandContext,
  stream: Promise<AsyncIterable<RemoveEvent>>,
): Promise<void> {
  for await (const event of eventsOf(stream, signal)) {
    if (event.type === 'progress') output.progress(`${event.files} entries removed`);
    else if (event.type === 'done') output.item(event, () => [`Removed ${event.entries} entries.`]);
  }
}

function addCopies(program: Command, surroundings: Surroundings): void {
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'put <local> <place>',
      summary: 'bring a local file or folder into a volume; what has the same size and time is left alone',
      examples: ['put projects work:/projects', 'put notes.txt work:/'],
    },
    (command) => command,
    async (context, _options, local, text) => {
      const { volume, path } = livePlace(text);
      const target = text.endsWith('/') ? checkVolumePath(`${path}/${basename(resolve(local))}`) : path;
      await context.withClient((client) =>
        follow(context, client.files.put({ volume, path: target, local: resolve(local) }), 'Brought in'),
      );
    },
  );
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'get <place> <local>',
      summary: 'take a file or folder out of a volume, mirror or snapshot',
      examples: ['get work@monday:/projects ./projects-of-monday', 'get copy:/notes.txt ./ --overwrite', 'get copy@monday:/projects ./projects --peer office'],
    },
    (command) => withPeerOption(command.option('--overwrite', 'replace files that are there')),
    async (context, options, text, local) => {
      const { overwrite = false, peer } = options as { overwrite?: boolean; peer?: string };
      const place = parsePlace(text);
      const name = pathParts(place.path).at(-1);
      const target = /[/\\]$/.test(local) && name !== undefined ? join(local, name) : local;
      const request = { ...place, local: resolve(target), overwrite };
      await context.withClient((client) =>
        follow(context, peer === undefined ? client.files.get(request) : client.remote.files.get({ ...request, ...parsePeer(peer) }), 'Took out'),
      );
    },
  );
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'compare <local> <place>',
      summary: 'compare a local folder with one in a volume, mirror or snapshot, byte for byte',
      examples: ['compare projects work:/projects', 'compare projects copy@monday:/projects --content-only'],
    },
    (command) => command.option('--content-only', 'names and bytes, not modes, owners and times'),
    async (context, options, local, text) => {
      const metadata = (options as { contentOnly?: boolean }).contentOnly !== true;
      await context.withClient((client) =>
        followCompare(context, client.files.compare({ ...parsePlace(text), local: resolve(local), metadata })),
      );
    },
  );
}

export function addCopyCommands(program: Command, surroundings: Surroundings): void {
  addCopies(program, surroundings);
  addCommand<[string, string]>(
    program,
    surroundings,
    { usage: 'mv <from> <to>', summary: 'move or rename within a volume', examples: ['mv work:/draft.txt work:/final.txt'] },
    (command) => command.option('-f, --force', 'replace what is there'),
    async ({ output, withClient }, options, fromText, toText) => {
      const [from, to] = [livePlace(fromText), livePlace(toText)];
      if (from.volume !== to.volume) {
        const text = `${fromText} and ${toText} lie in different volumes. Use get and put.`;
        throw new MirrorpointError('argument-invalid', text);
      }
      const replace = (options as { force?: boolean }).force === true;
      await withClient((client) => client.files.move({ volume: from.volume, from: from.path, to: to.path, replace }));
      output.result({}, () => []);
    },
  );
  addCommand<[string]>(
    program,
    surroundings,
    { usage: 'rm <place>', summary: 'remove a file, or a folder with all that is in it', examples: ['rm -r work:/old'] },
    (command) => command.option('-r, --recursive', 'also what is in a folder'),
    async (context, options, text) => {
      const recursive = (options as { recursive?: boolean }).recursive === true;
      await context.withClient((client) => followRemove(context, client.files.remove({ ...livePlace(text), recursive })));
    },
  );
}
