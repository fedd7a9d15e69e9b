import { assert, MirrorpointError } from '../base/index.ts';
import type { RootNode } from '../format/index.ts';
import { FileReader, InodeReader } from '../files/index.ts';
import { type KeptRoot, KeptRootReader, type ViewedRoot } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';

/** Which root a view shows: the last durable CP, a kept one by its number, or a snapshot by its name. */
export type RootViewAt = 'last' | { cp?: number } | { snapshot: string };

export interface RootViewOptions {
  /** What messages call the volume. */
  name: string;
  context: BlockFileContext;
  /** The last durable root, asked for in the step that finds the view. */
  root: () => RootNode;
  at: RootViewAt;
  /** Keeps the root's blocks until the result is called. */
  enter: (root: ViewedRoot) => () => void;
  /** A root that is kept although the snapshot table does not say so. */
  held?: (cp: number) => ViewedRoot | undefined;
  /** Whether a row of the snapshot table is whole here; every row, unless given. */
  isWhole?: (row: KeptRoot) => boolean;
}

/** Roots without a name are kept for mirrors, and their trees never travel to one. */
export function isWholeOnMirror({ names }: KeptRoot): boolean {
  return names.length > 0;
}

/**
 * The files of one kept root, read-only. What it shows never changes, whatever
 * happens to the volume meanwhile: its blocks are kept until `close`.
 */
export class RootView implements AsyncDisposable {
  readonly cp: number;
  readonly wallMs: number;
  readonly inodeCount: number;
  readonly files: FileReader;
  readonly #context: BlockFileContext;
  readonly #leave: () => void;
  #running = 0;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  /** `leave` is called once, when the view is closed and nothing reads through it any more. */
  constructor(options: { root: ViewedRoot; context: BlockFileContext; leave: () => void }) {
    const { root, context, leave } = options;
    this.cp = root.cp;
    this.wallMs = root.wallMs;
    this.inodeCount = root.inodeCount;
    const blocks = { geometry: context.geometry, cache: context.cache };
    // The view itself keeps its blocks; no CP has to wait for its reads.
    this.files = new FileReader({ blocks, enterRead: () => () => undefined }, new InodeReader(blocks, root.inodes));
    this.#context = blocks;
    this.#leave = leave;
  }

  /** Runs a synchronous operation, which starts again when a block it needs is not in memory. */
  query<T>(operation: (files: FileReader) => T): Promise<T> {
    return this.#track(() => this.#context.cache.run(() => operation(this.files)));
  }

  /** Reads a file's bytes from the offset into the target; returns how many there were. */
  readInto(ino: number, offset: number, target: Uint8Array): Promise<number> {
    return this.#track(() => this.files.readInto(ino, offset, target));
  }

  /** As `SEEK_DATA` and `SEEK_HOLE`; undefined where there is none. */
  seek(ino: number, offset: number, what: 'data' | 'hole'): Promise<number | undefined> {
    return this.#track(() => (what === 'data' ? this.files.seekData(ino, offset) : this.files.seekHole(ino, offset)));
  }

  /** Waits for the reads under way, then lets the root go. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #track<T>(read: () => Promise<T>): Promise<T> {
    assert(this.#closing === undefined, 'a closed view is not read');
    this.#running++;
    try {
      return await read();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  }

  async #end(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.#leave();
  }
}

/**
 * Opens a view. Throws `snapshot-not-found` for a name or a CP that is not kept.
 * `enter` is called in the same step that finds the root, so nothing can give
 * the root up in between.
 */
export async function openRootView(options: RootViewOptions): Promise<RootView> {
  const { context, enter } = options;
  const { root, leave } = await context.cache.run(() => {
    const found = findViewedRoot(options);
    return { root: found, leave: enter(found) };
  });
  return new RootView({ root, context, leave });
}

/** Finds what a view is to show, in one step. Throws `snapshot-not-found`. */
export function findViewedRoot(options: Omit<RootViewOptions, 'enter'>): ViewedRoot {
  const { context, at } = options;
  const last = options.root();
  if (at === 'last') return viewOf(last);
  const rows = new KeptRootReader(context, last.files.snapshots);
  if ('snapshot' in at) return rows.viewByName(at.snapshot);
  if (at.cp === undefined || at.cp === last.cp) return viewOf(last);
  const held = options.held?.(at.cp);
  if (held !== undefined) return held;
  const row = rows.atCp(at.cp);
  if (row !== undefined && (options.isWhole?.(row) ?? true)) return row;
  throw new MirrorpointError(
    'snapshot-not-found',
    `CP ${at.cp} of volume ${options.name} is not kept; its last is CP ${last.cp}. List the snapshots to see which there are.`,
  );
}

function viewOf(root: RootNode): ViewedRoot {
  return { cp: root.cp, wallMs: root.wallMs, inodeCount: root.inodeCount, inodes: root.files.inodes };
}
