import { isUtf8 } from 'node:buffer';
import * as fs from 'node:fs';
import { opendir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isFault, MirrorpointError } from '../../base/index.ts';
import type {
  LocalAttributes,
  LocalEntry,
  LocalPage,
  LocalReader,
  LocalStat,
  LocalTree,
  LocalWriter,
} from '../../engine/index.ts';
import { FileMaker } from './file-maker.ts';
import { localFault, systemCall } from './local-faults.ts';
import { localStat } from './local-stat.ts';
import { FileWriter, nameBeside, placeName, secondsOf, setOwner } from './local-writing.ts';
import { SourceReader } from './source-reader.ts';

const fileMaker = new FileMaker();
const sourceReader = new SourceReader();

/** Entries in one page of a listing. */
const pageEntriesMax = 256;

/** What Windows does not let a name hold, or takes for something else. */
const refusedOnWindows = /[<>:"/\\|?*\u0000-\u001f]|[. ]$|^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** A name of a volume becomes part of a path here. */
function joinName(folder: string, name: string): string {
  const isRefused = name === '.' || name === '..' || /[/\0]/.test(name) || (process.platform === 'win32' && refusedOnWindows.test(name));
  if (!isRefused) return join(folder, name);
  throw new MirrorpointError('name-invalid', `'${name}' was left out of ${folder}: this system cannot hold a file of that name. Rename it in the volume, or restore it there.`);
}

async function folderAt(path: string): Promise<{ freeBytes: number }> {
  const stat = await systemCall<fs.Stats>(path, 'examined', (done) => fs.stat(path, done));
  if (!stat.isDirectory()) throw new MirrorpointError('not-a-directory', `${path} is no folder. Name the folder that things are to go into.`);
  const { bavail, bsize } = await systemCall<fs.StatsFs>(path, 'examined', (done) => fs.statfs(path, done));
  return { freeBytes: bavail * bsize };
}

async function statIfThere(path: string): Promise<LocalStat | undefined> {
  try {
    const stat = await systemCall<fs.BigIntStats>(path, 'examined', (done) => fs.lstat(path, { bigint: true }, done));
    return localStat(stat);
  } catch (fault) {
    if (isFault(fault, 'not-found')) return undefined;
    throw fault;
  }
}

/** A name of unknown encoding for people: what is no UTF-8 shows as \xNN. */
function shownName(name: Buffer): string {
  return name.toString('latin1').replace(/[^\x20-\x7e]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

async function readPage(folder: string, names: readonly Buffer[]): Promise<LocalPage> {
  const known = names.filter((name) => isUtf8(name)).map((name) => name.toString('utf8'));
  const refusedNames = names.filter((name) => !isUtf8(name)).map(shownName);
  const stats = await sourceReader.examine(known.map((name) => join(folder, name)));
  const entries: LocalEntry[] = [];
  for (const [index, name] of known.entries()) {
    const stat = stats[index];
    if (stat !== undefined) entries.push({ ...stat, name });
  }
  return { entries, refusedNames };
}

async function* listPages(folder: string): AsyncGenerator<LocalPage, void, void> {
  // The types leave out that a directory can be read with names as bytes.
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: pageEntriesMax };
  const directory = await opendir(folder, options).catch((cause: unknown) => {
    throw localFault(folder, 'listed', cause);
  });
  let names: Buffer[] = [];
  try {
    for await (const entry of directory) {
      names.push(entry.name as unknown as Buffer);
      if (names.length < pageEntriesMax) continue;
      yield await readPage(folder, names);
      names = [];
    }
  } catch (cause) {
    throw localFault(folder, 'listed', cause);
  }
  if (names.length > 0) yield await readPage(folder, names);
}

class FileReader implements LocalReader {
  readonly #path: string;
  readonly #fd: number;
  #isClosed = false;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  async readInto(offsetBytes: number, target: Uint8Array): Promise<number> {
    let doneBytes = 0;
    while (doneBytes < target.length) {
      const at = doneBytes;
      const gotBytes = await systemCall<number>(this.#path, 'read', (done) =>
        fs.read(this.#fd, target, at, target.length - at, offsetBytes + at, done),
      );
      if (gotBytes === 0) break;
      doneBytes += gotBytes;
    }
    return doneBytes;
  }

  async stat(): Promise<LocalStat> {
    return localStat(
      await systemCall<fs.BigIntStats>(this.#path, 'examined', (done) => fs.fstat(this.#fd, { bigint: true }, done)),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await systemCall(this.#path, 'closed', (done) => fs.close(this.#fd, (cause) => done(cause ?? null, undefined)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function openRead(path: string): Promise<LocalReader> {
  const { O_RDONLY } = fs.constants;
  // A pipe must not be waited for, nor a link that replaced the file be followed. Neither flag is there on Windows.
  const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants as Partial<typeof fs.constants>;
  const fd = await systemCall<number>(path, 'opened', (done) => fs.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, done));
  return new FileReader(path, fd);
}

async function readLink(path: string): Promise<string> {
  const target = await systemCall<Buffer>(path, 'read', (done) => fs.readlink(path, { encoding: 'buffer' }, done));
  if (isUtf8(target)) return target.toString('utf8');
  throw new MirrorpointError(
    'name-invalid',
    `${path} is a symbolic link to '${shownName(target)}', which is no UTF-8. Make the link anew with another target.`,
  );
}

async function makeDirectory(path: string): Promise<void> {
  await systemCall(path, 'made', (done) => fs.mkdir(path, 0o700, (cause) => done(cause, undefined)));
}

async function makeSymlink(
  path: string,
  options: { target: string; attributes: LocalAttributes; replace: boolean },
): Promise<void> {
  const { target, attributes, replace } = options;
  const made = replace ? nameBeside(path) : path;
  await systemCall(made, 'made', (done) => fs.symlink(target, made, (cause) => done(cause, undefined)));
  await setOwner(made, attributes, fs.lchown);
  const seconds = secondsOf(attributes.modifiedNs);
  await systemCall(made, 'dated', (done) => fs.lutimes(made, seconds, seconds, (cause) => done(cause, undefined)));
  if (replace) await placeName(made, path, { replace });
}

async function makeHardLink(path: string, options: { existing: string; replace: boolean }): Promise<void> {
  const made = options.replace ? nameBeside(path) : path;
  await systemCall(made, 'linked', (done) => fs.link(options.existing, made, (cause) => done(cause, undefined)));
  if (options.replace) await placeName(made, path, { replace: true });
}

async function setDirectoryAttributes(path: string, attributes: LocalAttributes): Promise<void> {
  await setOwner(path, attributes, fs.chown);
  await systemCall(path, 'changed', (done) => fs.chmod(path, attributes.mode, (cause) => done(cause, undefined)));
  const seconds = secondsOf(attributes.modifiedNs);
  await systemCall(path, 'dated', (done) => fs.utimes(path, seconds, seconds, (cause) => done(cause, undefined)));
}


/** The files of this machine. */
export const machineTree: LocalTree = {
  join: joinName,
  split: (path) => ({ folder: dirname(path), name: basename(path) }),
  isAbsolute,
  stat: statIfThere,
  folderAt,
  list: listPages,
  readLink,
  openRead,
  readWhole: (path, sizeBytes) => sourceReader.read(path, sizeBytes),
  createFile: (path): Promise<LocalWriter> => FileWriter.create(path),
  makeFile: (path, file) => fileMaker.make(path, file),
  makeDirectory,
  makeSymlink,
  makeHardLink,
  setDirectoryAttributes,
};
