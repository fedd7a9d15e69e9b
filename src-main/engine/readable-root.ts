import { isFault, MirrorpointError } from '../base/index.ts';
import type { FileAttributes, RootChoice } from '../contract/index.ts';
import { type FoundEntry, foundEntry } from '../explore/index.ts';
import type { Attributes, FileReader } from '../files/index.ts';
import type { MirrorVolume, RootView, Volume } from '../volume/index.ts';
import { HeldInodes } from './held-inodes.ts';

export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Uint8Array;
}

/** One state of a volume, open for reading: the live one, or a kept root. */
export interface ReadableRoot extends AsyncDisposable {
  /** 0 for the live state, which belongs to no CP yet. */
  readonly cp: number;
  /** Runs a synchronous, read-only operation, which may be started again. */
  query<T>(operation: (files: FileReader) => T): Promise<T>;
  /** The inode that the operation returns; until the root is closed it stays the same file, even without a name. */
  keep(operation: (files: FileReader) => number): Promise<number>;
  /** Reads content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The live state of a volume; closing it leaves the volume alone. */
function liveRoot(volume: Volume): ReadableRoot {
  const held = new HeldInodes(volume);
  const close = (): Promise<void> => held[Symbol.asyncDispose]();
  return {
    cp: 0,
    query: (operation) => volume.query(operation),
    keep: (operation) => held.keep(operation),
    readInto: (ino, offsetBytes, target) => volume.readInto(ino, offsetBytes, target),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A kept state, in which nothing changes. */
function keptRoot(view: RootView): ReadableRoot {
  return {
    cp: view.cp,
    query: (operation) => view.query(operation),
    keep: (operation) => view.query(operation),
    readInto: (ino, offsetBytes, target) => view.readInto(ino, offsetBytes, target),
    close: () => view.close(),
    [Symbol.asyncDispose]: () => view.close(),
  };
}

export async function openPrimaryRoot(volume: Volume, at: RootChoice): Promise<ReadableRoot> {
  return at === 'live' ? liveRoot(volume) : keptRoot(await volume.openView(at));
}

export async function openMirrorRoot(mirror: MirrorVolume, at: RootChoice): Promise<ReadableRoot> {
  return keptRoot(await mirror.openView(at === 'live' ? 'last' : at));
}

/** What a directory has under a name, or undefined. */
export function existingEntry(files: FileReader, parent: number, name: string): Attributes | undefined {
  try {
    return files.stat(files.lookup(parent, name).ino);
  } catch (thrown) {
    if (isFault(thrown, 'not-found')) return undefined;
    throw thrown;
  }
}

/** Whether an inode is still the file that it was, with the same content as far as its times tell. */
export function isUnchanged(files: FileReader, known: Pick<Attributes, 'ino' | 'generation' | 'sizeBytes' | 'modifiedNs'>): boolean {
  try {
    const { generation, sizeBytes, modifiedNs } = files.stat(known.ino);
    return generation === known.generation && sizeBytes === known.sizeBytes && modifiedNs === known.modifiedNs;
  } catch (thrown) {
    if (isFault(thrown, 'not-found')) return false;
    throw thrown;
  }
}

/** The inode at a path. Faults name the path with the volume. */
export function inodeAt(files: FileReader, path: string, options: { follow?: boolean } = {}): number {
  return files.resolvePath(path, { followLast: options.follow ?? false });
}

/** What the contract says of a file. */
export function attributesForContract(files: FileReader, ino: number): FileAttributes {
  const attributes = wordedAttributes(foundEntry(files, ino));
  return files.hasExtendedAttributes(ino) ? { ...attributes, hasExtended: true } : attributes;
}

/** The same, of what was read of it. */
export function wordedAttributes({ attributes: { allocatedBytes, ...attributes }, linkTarget }: FoundEntry): FileAttributes {
  return { ...attributes, sectors: Math.ceil(allocatedBytes / 512), ...(linkTarget !== undefined && { linkTarget }) };
}

/** Some extended attributes of a file in the order of their names, behind a name. */
export function extendedOf(files: FileReader, ino: number, page: { after: string | undefined; limit: number }): ExtendedAttribute[] {
  const { after, limit } = page;
  const names = files.listExtendedAttributes(ino);
  const first = after === undefined ? 0 : names.indexOf(after) + 1;
  return names.slice(first, first + limit).map((name) => ({ name, value: files.getExtendedAttribute(ino, name) }));
}

export function notAFile(path: string, kind: string): MirrorpointError {
  return new MirrorpointError(
    kind === 'directory' ? 'is-a-directory' : 'argument-invalid',
    `${path} is a ${kind}; only files have content. Name a file.`,
  );
}
