import { isFault, MirrorpointError } from '../base/index.ts';
import type { FileAttributes, RootChoice } from '../contract/index.ts';
import type { Attributes, FileReader } from '../files/index.ts';
import type { MirrorVolume, RootView, Volume } from '../volume/index.ts';

/** One state of a volume, open for reading: the live one, or a kept root. */
export interface ReadableRoot extends AsyncDisposable {
  /** 0 for the live state, which belongs to no CP yet. */
  readonly cp: number;
  /** Runs a synchronous, read-only operation, which may be started again. */
  query<T>(operation: (files: FileReader) => T): Promise<T>;
  /** Reads content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The live state of a volume; closing it leaves the volume alone. */
function liveRoot(volume: Volume): ReadableRoot {
  const close = (): Promise<void> => Promise.resolve();
  return {
    cp: 0,
    query: (operation) => volume.query(operation),
    readInto: (ino, offsetBytes, target) => volume.readInto(ino, offsetBytes, target),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export async function openPrimaryRoot(volume: Volume, at: RootChoice): Promise<ReadableRoot> {
  return at === 'live' ? liveRoot(volume) : volume.openView(at);
}

export function openMirrorRoot(mirror: MirrorVolume, at: RootChoice): Promise<RootView> {
  return mirror.openView(at === 'live' ? 'last' : at);
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

/** The inode at a path. Faults name the path with the volume. */
export function inodeAt(files: FileReader, path: string, options: { follow?: boolean } = {}): number {
  return files.resolvePath(path, { followLast: options.follow ?? false });
}

/** What the contract says of a file. */
export function attributesForContract(files: FileReader, ino: number): FileAttributes {
  const { allocatedBytes, ...attributes } = files.stat(ino);
  return {
    ...attributes,
    sectors: Math.ceil(allocatedBytes / 512),
    ...(attributes.kind === 'symlink' && { linkTarget: files.readLink(ino) }),
  };
}

export function notAFile(path: string, kind: string): MirrorpointError {
  return new MirrorpointError(
    kind === 'directory' ? 'is-a-directory' : 'argument-invalid',
    `${path} is a ${kind}; only files have content. Name a file.`,
  );
}
