import type { SourceStat } from '../following/index.ts';
import type { Part } from './sparse.ts';

/** Files up to this size are read whole before anything of them is written. */
export const wholeFileBytesMax = 1 << 20;

/** What is known of a local file without opening it. */
export type LocalStat = SourceStat;

export interface LocalEntry extends LocalStat {
  readonly name: string;
}

export interface LocalPage {
  readonly entries: readonly LocalEntry[];
  /** Names that are no UTF-8, as messages show them. */
  readonly refusedNames: readonly string[];
}

/** What a copy of a file keeps of the original, besides its content. */
export interface LocalAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedNs: bigint;
}

/** A local file open for reading. */
export interface LocalReader extends AsyncDisposable {
  /** Fills the target from the offset on; fewer bytes at the end of the file. */
  readInto(offsetBytes: number, target: Uint8Array): Promise<number>;
  /** As it is now. */
  stat(): Promise<LocalStat>;
  close(): Promise<void>;
}

/** A small file as it was read. */
export interface WholeRead extends Disposable {
  /** From its beginning; fewer than were asked for when it is shorter. They are the caller's until this is disposed of. */
  readonly bytes: Uint8Array;
  /** As it was after it had been read. */
  readonly stat: LocalStat;
}

/** A file that comes into being in one step. */
export interface WholeFile {
  readonly bytes: Uint8Array;
  /** The parts that are not zero, in rising order; the rest may become holes. */
  readonly parts: readonly Part[];
  readonly attributes: LocalAttributes;
  readonly replace: boolean;
}

/** A local file that is being written under another name. */
export interface LocalWriter extends AsyncDisposable {
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  /** Gives the file its length, attributes and name. Throws `exists` when the name is taken and may not be replaced. */
  commit(options: { sizeBytes: number; attributes: LocalAttributes; replace: boolean }): Promise<void>;
  /** Removes it unless it was committed. Idempotent. */
  close(): Promise<void>;
}

/**
 * The files of this machine, for copies into and out of volumes. Paths are
 * texts that only the port takes apart. Symbolic links are never followed, but
 * where that is said.
 * Faults carry codes and name the path.
 */
export interface LocalTree {
  /** Throws `name-invalid` for a name that this system cannot hold, or that would lead elsewhere. */
  join(folder: string, name: string): string;
  /** The folder that holds a path, and its last name. */
  split(path: string): { folder: string; name: string };
  isAbsolute(path: string): boolean;
  /** undefined when nothing is there. */
  stat(path: string): Promise<LocalStat | undefined>;
  /** The room in a folder, which may be reached over a symbolic link. Throws `not-found` and `not-a-directory`. */
  folderAt(path: string): Promise<{ freeBytes: number }>;
  /** In pages, in no order. Entries that vanish meanwhile are left out. */
  list(folder: string): AsyncGenerator<LocalPage, void, void>;
  /** Throws `name-invalid` when the target is no UTF-8. */
  readLink(path: string): Promise<string>;
  openRead(path: string): Promise<LocalReader>;
  /**
   * Reads so many bytes of a small file, at most `wholeFileBytesMax`. Waits while
   * there is no room, so hold no other result meanwhile.
   */
  readWhole(path: string, sizeBytes: number): Promise<WholeRead>;
  createFile(path: string): Promise<LocalWriter>;
  /** Makes a small file, which appears whole or not at all. Throws `exists` when the name is taken and may not be replaced. */
  makeFile(path: string, file: WholeFile): Promise<void>;
  /** Throws `exists`. */
  makeDirectory(path: string): Promise<void>;
  makeSymlink(path: string, options: { target: string; attributes: LocalAttributes; replace: boolean }): Promise<void>;
  makeHardLink(path: string, options: { existing: string; replace: boolean }): Promise<void>;
  setDirectoryAttributes(path: string, attributes: LocalAttributes): Promise<void>;
}
