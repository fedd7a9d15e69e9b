import { assert } from '../base/index.ts';
import type { BlockCache, BlockPool } from '../blocks/index.ts';
import { blocksBelow, type Geometry, inodeSlots, isNullPointer, pointerBytes, treeCapacity } from '../format/index.ts';
import { IntervalSet } from './interval-set.ts';
import { nextTreeDifference } from './tree-difference.ts';
import { WaitingBlocks } from './waiting-blocks.ts';

/** The root of a file's tree, as it stands in its inode. */
export interface TreeRoot {
  /** Six pointers to subtrees of the given height. Never changed in place. */
  readonly slots: Uint8Array;
  readonly height: number;
  /** Blocks of the tree: data and address blocks. */
  readonly blockCount: number;
}

/** Changes that lie over a tree: new blocks, and ranges that became holes before those blocks were written. */
export interface Overlay {
  readonly blocks: WaitingBlocks;
  readonly holes: IntervalSet;
}

/** Receives the parts of a range in rising order. */
export interface RangeVisitor {
  /** A block that waits in memory. */
  waiting(index: number, bytes: Uint8Array): void;
  /** A block on the devices, given by its pointer. */
  stored(index: number, pointers: Uint8Array, offset: number): void;
  hole(index: number): void;
}

/** What a BlockFile needs of its surroundings. */
export interface BlockFileContext {
  readonly geometry: Geometry;
  readonly cache: BlockCache;
  /** Absent where nothing may be written: snapshots and the mirror. */
  readonly pool?: BlockPool;
}

const atNeed = { isAhead: false };
const noPointers: Uint8Array = new Uint8Array(0);

/**
 * A file of blocks: the tree that the last CP left, the changes that the CP now
 * running has taken over (`frozen`), and the changes since (`active`). Reads see
 * the newest of the three. All methods but `settle` are synchronous; those that
 * read may end the operation with a block miss (see BlockCache.run), and do so
 * before they change anything.
 */
export class BlockFile {
  readonly #context: BlockFileContext;
  readonly #onDirty: () => void;
  #root: TreeRoot;
  #active: Overlay | undefined;
  #frozen: Overlay | undefined;

  /** `onDirty` is called when the first change since the last freeze is made. */
  constructor(context: BlockFileContext, root: TreeRoot, onDirty: () => void = () => undefined) {
    this.#context = context;
    this.#root = root;
    this.#onDirty = onDirty;
  }

  get geometry(): Geometry {
    return this.#context.geometry;
  }

  get blockSizeBytes(): number {
    return this.#context.geometry.blockSizeBytes;
  }

  /** The tree of the last CP. */
  get root(): TreeRoot {
    return this.#root;
  }

  get isDirty(): boolean {
    return this.#active !== undefined;
  }

  /** Whether a CP is still to carry changes into the tree. */
  get isWaiting(): boolean {
    return this.#active !== undefined || this.#frozen !== undefined;
  }

  /** Blocks that wait for a CP. */
  get waitingCount(): number {
    return (this.#active?.blocks.size ?? 0) + (this.#frozen?.blocks.size ?? 0);
  }

  /** The block's bytes, or null for a hole. Valid until the next wait; must not be changed. */
  read(index: number): Uint8Array | null {
    const waiting = this.#waiting(index);
    if (waiting !== undefined) return waiting;
    return this.#stored(index);
  }

  /** Notes the block for loading when it is not resident, or the first one on the way to it that is not; never ends the operation. */
  prefetch(index: number): void {
    if (this.#waiting(index) !== undefined) return;
    const found = this.#find(index, { isAhead: true });
    if (found !== undefined) this.#context.cache.get(found.pointers, found.offset);
  }

  /** The block's bytes for changing in place, until the next wait. Old contents are kept; a hole is zeros. */
  write(index: number): Uint8Array {
    const own = this.#active?.blocks.get(index);
    if (own !== undefined) return own;
    const old = this.read(index);
    const bytes = this.#take(index);
    if (old === null) bytes.fill(0);
    else bytes.set(old);
    return bytes;
  }

  /** As `write`, when the caller fills the whole block: nothing is read, and the contents are arbitrary before. */
  overwrite(index: number): Uint8Array {
    return this.#active?.blocks.get(index) ?? this.#take(index);
  }

  /** Makes [start, end) a hole. `end` may be Infinity. Whole blocks only. */
  punch(start: number, end: number): void {
    if (start >= end) return;
    const active = this.#dirty();
    const count = end - start;
    if (count < active.blocks.size) {
      for (let index = start; index < end; index++) this.#drop(active, index);
    } else {
      for (const index of active.blocks.keys()) if (index >= start && index < end) this.#drop(active, index);
    }
    active.holes.add(start, end);
  }

  /** Visits `count` blocks from `first`: what waits in memory, what is stored where, and what is a hole. */
  resolve(first: number, count: number, visitor: RangeVisitor): void {
    const { isWaiting } = this;
    let leaf = noPointers;
    let leafStart = 0;
    let leafEnd = 0;
    for (let index = first; index < first + count; index++) {
      const waiting = isWaiting ? this.#waiting(index) : undefined;
      if (waiting !== undefined) {
        if (waiting === null) visitor.hole(index);
        else visitor.waiting(index, waiting);
        continue;
      }
      if (index >= leafEnd) {
        const found = this.#find(index);
        if (found === undefined) {
          visitor.hole(index);
          continue;
        }
        leaf = found.pointers;
        leafStart = index - found.offset / pointerBytes;
        leafEnd = leafStart + (this.#root.height === 0 ? inodeSlots : this.geometry.fanOut);
      }
      const offset = (index - leafStart) * pointerBytes;
      if (isNullPointer(leaf, offset)) visitor.hole(index);
      else visitor.stored(index, leaf, offset);
    }
  }

  /**
   * The first index at or after `from` that is data (`wanted` true) or a hole,
   * or undefined when there is none below `end`. Holes are skipped subtree by
   * subtree and range by range, data block by block.
   */
  seek(from: number, end: number, wanted: 'data' | 'hole'): number | undefined {
    const firstWaiting = wanted === 'data' ? this.#firstWaiting(from) : Infinity;
    let index = from;
    while (index < end) {
      const waiting = this.#waiting(index);
      const isData = waiting === undefined ? this.#find(index) !== undefined : waiting !== null;
      if (isData === (wanted === 'data')) return index;
      if (isData) index++;
      else index = Math.min(firstWaiting, waiting === null ? this.#holeEnd(index) : this.#nextStored(index));
    }
    return undefined;
  }

  /**
   * The first index at or after `from` at which this file and another one may
   * differ; undefined when there is none. Subtrees that are the same in both are
   * passed by, and what waits in memory counts as different. The other file may
   * be read through another cache; without one, everything that is there differs.
   */
  nextDifference(other: BlockFile | undefined, from: number): number | undefined {
    const { geometry, cache } = this.#context;
    const trees = { one: { root: this.#root, cache }, other: other === undefined ? undefined : { root: other.#root, cache: other.#context.cache } };
    const files = other === undefined ? [this] : [this, other];
    let first = nextTreeDifference(geometry, trees, from) ?? Infinity;
    for (const file of files) {
      first = Math.min(first, file.#firstWaiting(from));
      for (const overlay of [file.#active, file.#frozen]) {
        for (const [start, end] of overlay?.holes ?? []) {
          for (const covered of files) first = Math.min(first, covered.#firstInTree(Math.max(from, start), Math.min(end, first)));
        }
      }
    }
    return first === Infinity ? undefined : first;
  }

  /** The changes made so far now belong to a CP; later ones to the next. Returns them, or undefined when there are none. */
  freeze(): Overlay | undefined {
    assert(this.#frozen === undefined, 'a file is frozen for one CP at a time');
    this.#frozen = this.#active;
    this.#active = undefined;
    return this.#frozen;
  }

  /**
   * Ends what `freeze` began. With a new root the frozen changes are part of
   * the tree, and their buffers are given back; without one the CP has failed,
   * and they wait again, below what has changed since.
   */
  settle(newRoot: TreeRoot | undefined): void {
    const frozen = this.#frozen;
    this.#frozen = undefined;
    if (newRoot !== undefined) {
      this.#root = newRoot;
      if (frozen !== undefined) for (const [, bytes] of frozen.blocks.entries()) this.#pool.give(bytes);
      return;
    }
    if (frozen === undefined) return;
    const active = this.#active;
    if (active === undefined) {
      this.#active = frozen;
      this.#onDirty();
      return;
    }
    for (const [index, bytes] of frozen.blocks.entries()) {
      if (active.blocks.has(index) || active.holes.has(index)) this.#pool.give(bytes);
      else active.blocks.set(index, bytes);
    }
    for (const [start, end] of frozen.holes) active.holes.add(start, end);
  }

  /** Gives back the buffers of changes that will never be written. */
  discardChanges(): void {
    for (const overlay of [this.#active, this.#frozen]) {
      if (overlay !== undefined) for (const [, bytes] of overlay.blocks.entries()) this.#pool.give(bytes);
    }
    this.#active = undefined;
    this.#frozen = undefined;
  }

  get #pool(): BlockPool {
    const { pool } = this.#context;
    assert(pool !== undefined, 'a read-only file is never written');
    return pool;
  }

  /** Bytes that wait, null for a hole that waits, undefined when the stored tree decides. */
  #waiting(index: number): Uint8Array | null | undefined {
    for (const overlay of [this.#active, this.#frozen]) {
      if (overlay === undefined) continue;
      const bytes = overlay.blocks.get(index);
      if (bytes !== undefined) return bytes;
      if (!overlay.holes.isEmpty && overlay.holes.has(index)) return null;
    }
    return undefined;
  }

  /** The first block at or after `from` that waits in memory. */
  #firstWaiting(from: number): number {
    const active = this.#active?.blocks.firstFrom(from, () => true) ?? Infinity;
    const frozen = this.#frozen?.blocks.firstFrom(from, (index) => this.#waiting(index) !== null) ?? Infinity;
    return Math.min(active, frozen);
  }

  /** The end of the waiting range of holes around an index that is one. */
  #holeEnd(index: number): number {
    return this.#active?.holes.endAround(index) ?? this.#frozen?.holes.endAround(index) ?? index + 1;
  }

  #stored(index: number): Uint8Array | null {
    const found = this.#find(index);
    return found === undefined ? null : this.#context.cache.need(found.pointers, found.offset);
  }

  /** The first index at or after `from` that the tree has; `Infinity` when there is none below `end`. */
  #firstInTree(from: number, end: number): number {
    for (let index = from; index < end; index = this.#nextStored(index)) if (this.#find(index) !== undefined) return index;
    return Infinity;
  }

  /** The stored tree's pointer to a data block, or undefined for a hole; ahead of need, also where the way to it is not resident. */
  #find(index: number, { isAhead } = atNeed): { pointers: Uint8Array; offset: number } | undefined {
    const { geometry, cache } = this.#context;
    let { height: level, slots: pointers } = this.#root;
    if (index >= treeCapacity(geometry, level)) return undefined;
    let below = blocksBelow(geometry, level);
    let offset = Math.floor(index / below) * pointerBytes;
    for (;;) {
      if (isNullPointer(pointers, offset)) return undefined;
      if (level === 0) return { pointers, offset };
      const rest = index % below;
      const next = isAhead ? cache.get(pointers, offset) : cache.need(pointers, offset);
      if (next === undefined) return undefined;
      pointers = next;
      level--;
      below /= geometry.fanOut;
      offset = Math.floor(rest / below) * pointerBytes;
    }
  }

  /** The first index after `index` that lies under another subtree than the empty one that holds it. */
  #nextStored(index: number): number {
    const { geometry, cache } = this.#context;
    let { height: level, slots: pointers } = this.#root;
    if (index >= treeCapacity(geometry, level)) return Infinity;
    let below = blocksBelow(geometry, level);
    let start = 0;
    let offset = Math.floor(index / below) * pointerBytes;
    let slotLimit = inodeSlots;
    for (;;) {
      const slot = offset / pointerBytes;
      if (isNullPointer(pointers, offset)) {
        let next = slot + 1;
        while (next < slotLimit && isNullPointer(pointers, next * pointerBytes)) next++;
        return start + next * below;
      }
      start += slot * below;
      pointers = cache.need(pointers, offset);
      level--;
      below /= geometry.fanOut;
      offset = Math.floor((index - start) / below) * pointerBytes;
      slotLimit = geometry.fanOut;
    }
  }

  #dirty(): Overlay {
    if (this.#active === undefined) {
      this.#active = { blocks: new WaitingBlocks(), holes: new IntervalSet() };
      this.#onDirty();
    }
    return this.#active;
  }

  #take(index: number): Uint8Array {
    const bytes = this.#pool.take();
    this.#dirty().blocks.set(index, bytes);
    return bytes;
  }

  #drop(active: Overlay, index: number): void {
    const bytes = active.blocks.get(index);
    if (bytes === undefined) return;
    active.blocks.delete(index);
    this.#pool.give(bytes);
  }
}
