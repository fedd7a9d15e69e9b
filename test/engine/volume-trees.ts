import { createHash } from 'node:crypto';
import { childPath } from '../../src-main/contract/index.ts';
import { changeBlocks, type FileReader, type LiveFiles, rootDirectoryInode } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';

/** What a file is made of, beside its name. */
export interface MadeFile {
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly modifiedNs?: bigint;
  readonly extended?: Readonly<Record<string, string>>;
}

async function parentOf(volume: Volume, path: string): Promise<{ parent: number; name: string }> {
  const at = path.lastIndexOf('/');
  const parent = await volume.query((files) => files.resolvePath(path.slice(0, at)));
  return { parent, name: path.slice(at + 1) };
}

function existing(files: FileReader, parent: number, name: string): number | undefined {
  const found = files.readDirectory(parent, undefined, 10_000).find((entry) => entry.name === name);
  return found?.ino;
}

async function finish(volume: Volume, ino: number, file: MadeFile): Promise<void> {
  const { mode = 0o644, uid = 0, modifiedNs, extended = {} } = file;
  for (const [name, value] of Object.entries(extended)) {
    await volume.change(changeBlocks.extendedAttribute(4096), (files) => files.setExtendedAttribute(ino, name, Buffer.from(value)));
  }
  await volume.change(0, (files) => files.setAttributes(ino, { mode, uid, ...(modifiedNs !== undefined && { modifiedNs }) }));
}

/** Writes a file whole, over one that may be there. */
export async function writeFile(volume: Volume, path: string, file: MadeFile = {}): Promise<number> {
  const { parent, name } = await parentOf(volume, path);
  const bytes = Buffer.from(file.content ?? '');
  const known = await volume.query((files) => existing(files, parent, name));
  const ino = known ?? (await volume.change(changeBlocks.create, (files) => files.createFile(parent, name, { mode: 0o644, uid: 0, gid: 0 })));
  await volume.change(1, (files) => files.truncate(ino, 0));
  for (let offset = 0; offset < bytes.length; offset += 1 << 20) {
    const piece = bytes.subarray(offset, offset + (1 << 20));
    await volume.change(changeBlocks.write(piece.length, 4096), (files) => files.write(ino, offset, piece));
  }
  await finish(volume, ino, file);
  return ino;
}

export async function makeFolder(volume: Volume, path: string, folder: MadeFile = {}): Promise<void> {
  const { parent, name } = await parentOf(volume, path);
  const ino = await volume.change(changeBlocks.create, (files) => files.makeDirectory(parent, name, { mode: 0o755, uid: 0, gid: 0 }));
  await finish(volume, ino, { mode: 0o755, ...folder });
}

export async function makeSymlink(volume: Volume, path: string, target: string, link: MadeFile = {}): Promise<void> {
  const { parent, name } = await parentOf(volume, path);
  const ino = await volume.change(changeBlocks.symlink, (files) => files.symlink(parent, name, target, { mode: 0o777, uid: 0, gid: 0 }));
  await finish(volume, ino, { mode: 0o777, ...link });
}

export async function makeLink(volume: Volume, path: string, first: string): Promise<void> {
  const { parent, name } = await parentOf(volume, path);
  const ino = await volume.query((files) => files.resolvePath(first, { followLast: false }));
  await volume.change(changeBlocks.create, (files) => files.link(ino, parent, name));
}

export async function remove(volume: Volume, path: string): Promise<void> {
  const { parent, name } = await parentOf(volume, path);
  await volume.change(changeBlocks.remove, (files: LiveFiles) => {
    const { ino, kind } = files.lookup(parent, name);
    if (kind !== 'directory') files.unlink(parent, name);
    else if (files.stat(ino).sizeBytes === 0) files.removeDirectory(parent, name);
  }, { frees: true });
}

/** A tree as it can be seen, by path: everything that a copy is to keep. */
export type SeenTree = Map<string, Record<string, unknown>>;

interface Readable {
  query<T>(operation: (files: FileReader) => T): Promise<T>;
  readInto(ino: number, offset: number, target: Uint8Array): Promise<number>;
}

/** Reads all below a folder. Names of one file are told by the first of them. */
export async function seeTree(root: Readable, top = '/'): Promise<SeenTree> {
  const seen: SeenTree = new Map();
  const firstNames = new Map<number, string>();
  const visit = async (ino: number, path: string): Promise<void> => {
    const page = await root.query((files) => files.readDirectory(ino, undefined, 100_000));
    for (const { name, ino: child } of page) {
      const at = childPath(path, name);
      seen.set(at, await seeEntry(root, child, firstNames, at));
      if (seen.get(at)?.kind === 'directory') await visit(child, at);
    }
  };
  const start = top === '/' ? rootDirectoryInode : await root.query((files) => files.resolvePath(top));
  await visit(start, '/');
  return seen;
}

async function seeEntry(root: Readable, ino: number, firstNames: Map<number, string>, path: string): Promise<Record<string, unknown>> {
  const found = await root.query((files) => ({
    ...files.stat(ino),
    target: files.stat(ino).kind === 'symlink' ? files.readLink(ino) : undefined,
    extended: files.listExtendedAttributes(ino).map((name) => `${name}=${Buffer.from(files.getExtendedAttribute(ino, name)).toString('base64')}`),
  }));
  const { kind, mode, uid, gid, sizeBytes, modifiedNs, target, extended } = found;
  const sameAs = firstNames.get(ino);
  if (kind !== 'directory' && sameAs === undefined) firstNames.set(ino, path);
  const bytes = Buffer.alloc(kind === 'file' ? sizeBytes : 0);
  if (kind === 'file') await root.readInto(ino, 0, bytes);
  return { kind, mode, uid, gid, sizeBytes, modifiedNs, target, extended, sameAs, content: createHash('sha256').update(bytes).digest('hex') };
}

/** The texts of the files of a folder, by name. */
export async function texts(root: Readable, folder: string): Promise<Record<string, string>> {
  const page = await root.query((files) => {
    const ino = files.resolvePath(folder);
    return files.readDirectory(ino, undefined, 10_000).map((entry) => ({ ...entry, sizeBytes: files.stat(entry.ino).sizeBytes }));
  });
  const found: Record<string, string> = {};
  for (const { name, ino, kind, sizeBytes } of page) {
    if (kind !== 'file') continue;
    const bytes = Buffer.alloc(sizeBytes);
    await root.readInto(ino, 0, bytes);
    found[name] = sizeBytes > 1000 ? `${sizeBytes} bytes` : bytes.toString();
  }
  return found;
}
