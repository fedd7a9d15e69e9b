import type { FileReader, LiveFiles } from '../files/index.ts';

/** How much room there is, in blocks. */
export interface Capacity {
  readonly blockSizeBytes: number;
  readonly blockCount: number;
  readonly freeBlockCount: number;
  /** Files, directories and symbolic links. */
  readonly inodeCount: number;
}

/**
 * One state of a volume as clients work with it: the live one, which takes
 * changes, or a kept one, which refuses them with `volume-read-only` whatever
 * the protocol before it has said. Inodes go by number; what a client has open
 * is held, so that it outlives its last name.
 */
export interface ServedFiles extends AsyncDisposable {
  /** What messages call it, such as `office` or `office@monday`. */
  readonly subject: string;
  readonly isReadOnly: boolean;
  /** 0 for the live state, which belongs to no CP yet. */
  readonly cp: number;
  /** Runs a synchronous, read-only operation, which may be started again. */
  query<T>(operation: (files: FileReader) => T): Promise<T>;
  /** Runs a synchronous operation of at most `costBlocks` changed blocks (`changeBlocks`), whole or not at all. */
  change<T>(costBlocks: number, operation: (files: LiveFiles) => T, options?: { frees: boolean }): Promise<T>;
  /** A change that holds the inode which it returns. */
  hold(costBlocks: number, operation: (files: LiveFiles) => number): Promise<number>;
  /** A change that may take the last name of an inode away, which `find` finds and which is held from before on; resolves to it. */
  holdThrough(costBlocks: number, find: (files: FileReader) => number | undefined, operation: (files: LiveFiles) => void): Promise<number | undefined>;
  /** Holds the inode that an operation finds which changes nothing. */
  keep(operation: (files: FileReader) => number): Promise<number>;
  /** Lets an inode go, once for each time that it was held. */
  release(ino: number): Promise<void>;
  /** Reads content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number>;
  /** As `SEEK_DATA` and `SEEK_HOLE`; undefined where there is none. */
  seek(ino: number, offsetBytes: number, what: 'data' | 'hole'): Promise<number | undefined>;
  /** Resolves when everything acknowledged before this call survives a crash. */
  sync(): Promise<void>;
  capacity(): Capacity;
}

/** A state that has a name. */
export interface NamedState {
  readonly name: string;
  readonly cp: number;
  readonly wallMs: number;
}

/** The states of one volume, as they are at each call. Whoever opens one closes it. */
export interface ServedStates {
  readonly volume: string;
  /** The live state of a primary, or the last CP of a mirror. */
  openCurrent(): Promise<ServedFiles>;
  /** Throws `snapshot-not-found`. */
  openSnapshot(name: string): Promise<ServedFiles>;
  /** In the order of their CPs, newer than the CP `after`. */
  listSnapshots(page: { after: number; limit: number }): Promise<readonly NamedState[]>;
}
