import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import { type FileAttributes, type ListedEntry, parsePlace, readChunkBytesMax } from '../../contract/index.ts';
import { addCommand, type CommandContext, type Options, type Surroundings } from './command.ts';
import { table, toJson } from './output.ts';
import { listDeleted } from './explore-commands.ts';
import { readerFor, withPeerOption } from './peer-reading.ts';
import { formatMode, formatModified, parseMode } from './values.ts';

function shownName(entry: ListedEntry): string {
  if (entry.kind === 'symlink') return `${entry.name} -> ${entry.linkTarget ?? ''}`;
  return entry.kind === 'directory' ? `${entry.name}/` : entry.name;
}

function listLines(entries: readonly ListedEntry[]): string[] {
  const rows = entries.map((entry) => [
    formatMode(entry.kind, entry.mode),
    String(entry.linkCount),
    `${entry.uid}:${entry.gid}`,
    String(entry.sizeBytes),
    formatModified(entry.modifiedNs),
    shownName(entry),
  ]);
  return table(['', '>', '', '>', '', ''], rows).slice(1);
}

function attributeLines(place: string, attributes: FileAttributes): string[] {
  const target = attributes.linkTarget === undefined ? [] : [`target   ${attributes.linkTarget}`];
  return [
    `place    ${place}`,
    `kind     ${attributes.kind}, inode ${attributes.ino}, generation ${attributes.generation}, ${attributes.linkCount} links`,
    `size     ${attributes.sizeBytes} bytes, ${formatBytes(attributes.sectors * 512)} on the devices`,
    `mode     ${formatMode(attributes.kind, attributes.mode)}, owner ${attributes.uid}:${attributes.gid}`,
    `modified ${formatModified(attributes.modifiedNs)}`,
    `changed  ${formatModified(attributes.changedNs)}`,
    ...target,
  ];
}

async function list(context: CommandContext, options: Options, text: string): Promise<void> {
  const { output, withClient } = context;
  const place = parsePlace(text);
  if (options.deleted === true) return listDeleted(context, options, place);
  await withClient(async (server) => {
    const client = readerFor(server, options);
    const { kind } = await client.files.stat({ ...place, follow: true });
    if (kind !== 'directory') {
      const attributes = await client.files.stat(place);
      output.result([attributes], () => attributeLines(text, attributes));
      return;
    }
    const all: ListedEntry[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await client.files.list({ ...place, ...(after !== undefined && { after }) });
      if (output.json) all.push(...page.entries);
      else for (const line of listLines(page.entries)) output.line(line);
      if (!page.more) break;
      after = page.entries.at(-1)?.name;
    }
    if (output.json) output.result(all, () => []);
  });
}

async function cat({ output, withClient, signal }: CommandContext, options: Options, text: string): Promise<void> {
  await withClient(async (server) => {
    const client = readerFor(server, options);
    const { readId, sizeBytes } = await client.files.openRead(parsePlace(text));
    for (let offsetBytes = 0; offsetBytes < sizeBytes; ) {
      if (signal.aborted) throw new MirrorpointError('cancelled', `Stopped on request, ${offsetBytes} of ${sizeBytes} bytes were written.`);
      const blob = await client.files.read({ readId, offsetBytes, lengthBytes: readChunkBytesMax });
      if (blob.size === 0) break;
      await output.bytes(new Uint8Array(await blob.arrayBuffer()));
      offsetBytes += blob.size;
    }
    await client.files.closeRead({ readId });
  });
}

export function addBrowsingCommands(program: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    program,
    surroundings,
    {
      usage: 'ls <place>',
      summary: 'list a folder of a volume, mirror or snapshot',
      examples: ['ls work:/', 'ls work@monday:/projects', 'ls copy@last:/ --peer office', 'ls work:/projects --deleted'],
    },
    (command) => withPeerOption(command.option('--deleted', 'list what the folder had in older states and has no more, with the last state that had it')),
    async (context, options, place) => list(context, options, place),
  );
  addCommand<[string]>(
    program,
    surroundings,
    { usage: 'cat <place>', summary: 'write the content of a file to standard output', examples: ['cat work:/notes.txt', 'cat copy@monday:/notes.txt --peer office'] },
    withPeerOption,
    async (context, options, place) => cat(context, options, place),
  );
  addCommand<[string]>(
    program,
    surroundings,
    { usage: 'stat <place>', summary: 'show everything about a file or folder' },
    withPeerOption,
    async ({ output, withClient }, options, text) => {
      const attributes = await withClient((client) => readerFor(client, options).files.stat(parsePlace(text)));
      output.result(JSON.parse(toJson(attributes)), () => attributeLines(text, attributes));
    },
  );
  addCommand<[string]>(
    program,
    surroundings,
    { usage: 'mkdir <place>', summary: 'make a folder', examples: ['mkdir -p work:/projects/new'] },
    (command) =>
      command
        .option('-p, --parents', 'make the folders above it too, and accept one that is there')
        .option('-m, --mode <mode>', 'permissions in octal', '755'),
    async ({ output, withClient }, options, text) => {
      const { parents = false, mode } = options as { parents?: boolean; mode: string };
      const { volume, path } = livePlace(text);
      const made = await withClient((client) => client.files.makeDirectory({ volume, path, parents, mode: parseMode(mode) }));
      output.result(JSON.parse(toJson(made)), () => []);
    },
  );
}

/** A place that is to be changed, which only the live state can be. */
export function livePlace(text: string): { volume: string; path: string } {
  const { volume, at, path } = parsePlace(text);
  if (at === 'live') return { volume, path };
  throw new MirrorpointError('volume-read-only', `${text} is a kept state, which nothing changes. Name the live state: ${volume}:${path}.`);
}
