import { assert } from '../base/index.ts';
import { pointerBirth, pointerBytes, pointerVbn } from '../format/index.ts';
import type { BlockStore } from './block-store.ts';
import { cutBlocks } from './block-pool.ts';
import { PointerList } from './pointer-list.ts';

/** Thrown by `need` when a block is not resident; `run` loads it and tries again. It is no error and has no stack. */
const blockMiss: unique symbol = Symbol('block miss');

/** Memory is taken in pieces of many blocks, which costs less than as many small ones. */
const slabBytes = 256 << 10;

/** Blocks of one part of a visit: they are read and looked at without a pause. */
const visitBlocksMax = 512;

/** Blocks kept for later when an operation gives up the room that it took beyond the bound. */
const spareBlocksMax = 64;

/** Blocks of a load from which on it is read into memory that is used again, and how much of that is kept. */
const longLoadMin = 32;
const longTargetsMax = 2;

interface Entry {
  vbn: number;
  birthCp: number;
  readonly bytes: Uint8Array;
  referenced: boolean;
  pins: number;
}

/**
 * A bounded cache of proven blocks, keyed by (VBN, birth). Operations on trees
 * are synchronous code over resident blocks: when one is missing, the whole
 * operation is abandoned, the block is loaded, and the operation starts again
 * (`run`). So an operation must do all its reading before its first change; in
 * return every operation is atomic, and no lock is held across a wait.
 *
 * Replacement is CLOCK. Invariant: bytes in the cache are never changed.
 */
export class BlockCache {
  readonly store: BlockStore;
  readonly #capacity: number;
  readonly #byVbn = new Map<number, Entry>();
  readonly #entries: Entry[] = [];
  readonly #missing = new PointerList();
  readonly #loading = new Map<number, Promise<void>>();
  /** Memory for further entries. */
  readonly #spare: Uint8Array[] = [];
  readonly #longTargets: Uint8Array[][] = [];
  #hand = 0;
  #enterWait: () => () => void = () => () => undefined;

  constructor(store: BlockStore, options: { capacityBytes: number }) {
    this.store = store;
    this.#capacity = Math.max(64, Math.floor(options.capacityBytes / store.blockSizeBytes));
  }

  get capacityBlocks(): number {
    return this.#capacity;
  }

  /**
   * From now on every operation that must wait for a block calls `enter` first,
   * and what that returned when it has ended: until then, nobody may write over
   * blocks of the tree that it read.
   */
  guardWaits(enter: () => () => void): void {
    this.#enterWait = enter;
  }

  /** The block, or undefined after noting that it is missing. Valid until the next wait; must not be changed. */
  get(pointer: Uint8Array, offset: number): Uint8Array | undefined {
    const entry = this.#find(pointer, offset);
    if (entry !== undefined) return entry.bytes;
    this.#missing.push(pointer, offset);
    return undefined;
  }

  /** The block; when it is not resident, ends the running operation so that `run` loads it. */
  need(pointer: Uint8Array, offset: number): Uint8Array {
    const bytes = this.get(pointer, offset);
    if (bytes === undefined) throw blockMiss;
    return bytes;
  }

  /** Ends the running operation when any `get` of it found nothing. */
  needAll(): void {
    if (this.#missing.count > 0) throw blockMiss;
  }

  /** The block if it is resident, without noting anything. Valid until the next wait or insertion; must not be changed. */
  peek(block: { vbn: number; birthCp: number }): Uint8Array | undefined {
    const entry = this.#byVbn.get(block.vbn);
    return entry?.birthCp === block.birthCp ? entry.bytes : undefined;
  }

  /** Whether a block is resident, without noting anything. */
  has(pointer: Uint8Array, offset: number): boolean {
    return this.#find(pointer, offset) !== undefined;
  }

  /**
   * Runs a synchronous operation to its end, loading what it misses in between.
   * Blocks loaded for it stay resident until it has ended.
   */
  async run<T>(operation: () => T): Promise<T> {
    let pinned: Entry[] | undefined;
    let leaveWait: (() => void) | undefined;
    try {
      for (;;) {
        this.#missing.clear();
        try {
          return operation();
        } catch (thrown) {
          if (thrown !== blockMiss) throw thrown;
        }
        pinned ??= [];
        leaveWait ??= this.#enterWait();
        await this.#load(this.#missing, pinned);
      }
    } finally {
      if (pinned !== undefined) this.#unpin(pinned);
      leaveWait?.();
    }
  }

  /** As `run`, for an operation that needs blocks of several caches: of states whose histories differ. */
  static async runOver<T>(caches: ReadonlySet<BlockCache>, operation: () => T): Promise<T> {
    const [only] = caches;
    if (only !== undefined && caches.size === 1) return only.run(operation);
    const holds: { cache: BlockCache; pinned: Entry[]; leaveWait: () => void }[] = [];
    try {
      for (;;) {
        for (const cache of caches) cache.#missing.clear();
        try {
          return operation();
        } catch (thrown) {
          if (thrown !== blockMiss) throw thrown;
        }
        if (holds.length === 0) for (const cache of caches) holds.push({ cache, pinned: [], leaveWait: cache.#enterWait() });
        // Begun in one step, in which no other operation can note what it misses; all end before one's fault is thrown on.
        const loads = await Promise.allSettled(holds.map(({ cache, pinned }) => cache.#load(cache.#missing, pinned)));
        for (const load of loads) if (load.status === 'rejected') throw load.reason;
      }
    } finally {
      for (const { cache, pinned, leaveWait } of holds) {
        cache.#unpin(pinned);
        leaveWait();
      }
    }
  }

  /**
   * Makes the pointers' blocks resident for a synchronous visit, part by part. `visit` gets the positions of one part of the list.
   */
  async visit(pointers: PointerList, visit: (position: number, bytes: Uint8Array) => void): Promise<void> {
    const partMax = Math.max(1, Math.min(visitBlocksMax, this.#capacity >> 1));
    const order = pointers.orderByVbn();
    for (let start = 0; start < order.length; start += partMax) {
      const part = order.slice(start, start + partMax);
      const all = pointers.bytes;
      await this.run(() => {
        for (const position of part) this.get(all, position * pointerBytes);
        this.needAll();
        for (const position of part) visit(position, this.need(all, position * pointerBytes));
      });
    }
  }

  /** Puts a copy of a block just written into the cache. */
  insert(block: { vbn: number; birthCp: number }, bytes: Uint8Array): void {
    this.#place(block.vbn, block.birthCp, bytes);
  }

  /** Forgets everything that is not pinned, for tests and for a mirror whose devices were rewritten. */
  clear(): void {
    for (const entry of this.#entries) {
      if (entry.pins > 0) continue;
      this.#byVbn.delete(entry.vbn);
      entry.vbn = -1;
      entry.referenced = false;
    }
  }

  #find(pointer: Uint8Array, offset: number): Entry | undefined {
    const entry = this.#byVbn.get(pointerVbn(pointer, offset));
    if (entry === undefined || entry.birthCp !== pointerBirth(pointer, offset)) return undefined;
    entry.referenced = true;
    return entry;
  }

  async #load(missing: PointerList, pinned: Entry[]): Promise<void> {
    const wanted = new PointerList();
    const seen = new Set<number>();
    const awaited: Promise<void>[] = [];
    const copy = missing.bytes.slice(0, missing.count * pointerBytes);
    for (let offset = 0; offset < copy.length; offset += pointerBytes) {
      const vbn = pointerVbn(copy, offset);
      if (seen.has(vbn)) continue;
      seen.add(vbn);
      const loading = this.#loading.get(vbn);
      if (loading === undefined) wanted.push(copy, offset);
      else {
        // Another operation loads it; what it does not find there, this one asks for again.
        const pinFound = (): void => {
          const entry = this.#find(copy, offset);
          if (entry !== undefined) pin(entry, pinned);
        };
        awaited.push(loading.then(pinFound, () => undefined));
      }
    }
    if (wanted.count > 0) awaited.push(this.#read(wanted, pinned));
    // All have ended before one's fault is thrown on, so that nothing is pinned after the operation has gone.
    const ended = await Promise.allSettled(awaited);
    for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #read(wanted: PointerList, pinned: Entry[]): Promise<void> {
    const targets = this.#takeTargets(wanted.count);
    const reading = this.store.readProven(wanted, targets).then(
      () => {
        for (let position = 0; position < wanted.count; position++) {
          const offset = position * pointerBytes;
          this.#loading.delete(wanted.vbn(position));
          pin(this.#place(wanted.vbn(position), pointerBirth(wanted.bytes, offset), targets[position]!), pinned);
        }
        this.#giveTargets(targets);
      },
      (fault: unknown) => {
        this.#giveTargets(targets);
        for (let position = 0; position < wanted.count; position++) this.#loading.delete(wanted.vbn(position));
        throw fault;
      },
    );
    for (let position = 0; position < wanted.count; position++) this.#loading.set(wanted.vbn(position), reading);
    return reading;
  }

  /** As many blocks as are to be read, or more. */
  #takeTargets(count: number): Uint8Array[] {
    const { blockSizeBytes } = this.store;
    const isLong = count >= longLoadMin && count <= visitBlocksMax;
    const lent = isLong ? this.#longTargets.pop() : undefined;
    return lent ?? cutBlocks(new Uint8Array((isLong ? visitBlocksMax : count) * blockSizeBytes), blockSizeBytes);
  }

  /** What was read has been copied, or is of no use. */
  #giveTargets(targets: Uint8Array[]): void {
    if (targets.length === visitBlocksMax && this.#longTargets.length < longTargetsMax) this.#longTargets.push(targets);
  }

  /** Ends an operation's hold, and gives up the room that such holds took beyond the bound. */
  #unpin(pinned: readonly Entry[]): void {
    for (const entry of pinned) entry.pins--;
    while (this.#entries.length > this.#capacity && this.#entries.at(-1)!.pins === 0) {
      const entry = this.#entries.pop()!;
      if (this.#byVbn.get(entry.vbn) === entry) this.#byVbn.delete(entry.vbn);
      if (this.#spare.length < spareBlocksMax) this.#spare.push(entry.bytes);
    }
    if (this.#hand >= this.#entries.length) this.#hand = 0;
  }

  #place(vbn: number, birthCp: number, bytes: Uint8Array): Entry {
    const present = this.#byVbn.get(vbn);
    if (present !== undefined && present.birthCp === birthCp) return present;
    assert(present === undefined || present.pins === 0, 'a pinned block is never replaced');
    const entry = present ?? this.#victim();
    if (entry.vbn !== vbn) {
      if (entry.vbn >= 0) this.#byVbn.delete(entry.vbn);
      this.#byVbn.set(vbn, entry);
    }
    entry.vbn = vbn;
    entry.birthCp = birthCp;
    entry.referenced = true;
    entry.bytes.set(bytes);
    return entry;
  }

  /** An entry to overwrite: a new one while there is room, else the first that was not used since the hand passed. */
  #victim(): Entry {
    if (this.#entries.length < this.#capacity) return this.#grow();
    for (let step = 0; step < this.#entries.length * 2; step++) {
      const entry = this.#entries[this.#hand]!;
      this.#hand = (this.#hand + 1) % this.#entries.length;
      if (entry.pins > 0) continue;
      if (!entry.referenced) return entry;
      entry.referenced = false;
    }
    return this.#grow();
  }

  #grow(): Entry {
    if (this.#spare.length === 0) this.#spare.push(...cutBlocks(new Uint8Array(slabBytes), this.store.blockSizeBytes));
    const entry: Entry = { vbn: -1, birthCp: 0, bytes: this.#spare.pop()!, referenced: false, pins: 0 };
    this.#entries.push(entry);
    return entry;
  }
}

function pin(entry: Entry, pinned: Entry[]): void {
  entry.pins++;
  pinned.push(entry);
}
