import { assert, checksumOf, type Turns } from '../base/index.ts';
import { type BlockCache, PointerList } from '../blocks/index.ts';
import {
  blocksBelow,
  clearPointer,
  type Geometry,
  inodeSlots,
  isNullPointer,
  pointerBirth,
  pointerBytes,
  pointerVbn,
  setPointer,
  treeCapacity,
} from '../format/index.ts';
import type { TreeRoot } from './block-file.ts';
import type { IntervalSet } from './interval-set.ts';

/** Blocks between two looks at how long others have waited. */
const blocksPerLook = 4;

/** What an edit begins with: a CP makes one edit for each of its files, most of which have a block or two. */
const noBlocks: BlocksByIndex = new Map<number, Uint8Array>();
const noIndices = new Float64Array(0);

/** New blocks by their index in a file. */
export interface BlocksByIndex {
  readonly size: number;
  keys(): Iterable<number>;
  get(index: number): Uint8Array | undefined;
}

/** Hears of every block that the edited tree no longer references. */
export type FreedBlocks = (vbn: number, birthCp: number) => void;

/** What names a block among all that ever were. */
export interface BlockName {
  readonly vbn: number;
  readonly birthCp: number;
}

/** Where new blocks go. */
export interface BlockPlacer {
  readonly cp: number;
  /** A free VBN; rising as long as the space allows. */
  allocate(): number;
  /**
   * Takes a block for writing; its bytes must not change until the CP ends.
   * `replaced` is the block that stood in its place in the old version of the tree.
   */
  write(vbn: number, bytes: Uint8Array, level: number, replaced?: BlockName): void;
  /** Undefined when more may be written at once; else resolves when it may, and others have run. */
  pace(): Promise<void> | undefined;
}

/** An address block of the new version of the tree. */
interface Node {
  readonly bytes: Uint8Array;
}

/**
 * Builds the next version of one tree: `punch` the ranges that became holes,
 * `stage` the new data blocks, then `place` everything new bottom-up. Only the
 * address blocks on the way to a change are read, level by level in batches, and
 * only they are written again. The old version stays whole.
 */
export class TreeEdit {
  readonly #geometry: Geometry;
  readonly #cache: BlockCache;
  readonly #freed: FreedBlocks;
  readonly #turns: Turns;
  /** The new slots: the parents of the highest level. */
  #top: Uint8Array;
  #height: number;
  #blockCount: number;
  /** New address blocks by level (1 is above the data) and by position in the level. */
  readonly #levels: Map<number, Node>[] = [];
  #staged = noBlocks;
  #indices: Float64Array = noIndices;

  constructor(options: { geometry: Geometry; cache: BlockCache; root: TreeRoot; freed: FreedBlocks; turns: Turns }) {
    this.#geometry = options.geometry;
    this.#cache = options.cache;
    this.#freed = options.freed;
    this.#turns = options.turns;
    this.#top = options.root.slots.slice();
    this.#height = options.root.height;
    this.#blockCount = options.root.blockCount;
  }

  /** Blocks that `place` will allocate, at most. */
  get newBlockCount(): number {
    let count = this.#indices.length;
    // Levels that nothing was opened on are holes of the array, which forEach passes over.
    this.#levels.forEach((level) => (count += level.size));
    return count;
  }

  /** Takes the blocks of whole ranges out of the tree. Costs what is taken out. */
  async punch(holes: IntervalSet): Promise<void> {
    for (const [start, end] of holes) {
      const limit = Math.min(end, treeCapacity(this.#geometry, this.#height));
      if (start < limit) await this.#punchChildren({ parent: this.#top, level: this.#height, first: 0, start, end: limit });
    }
  }

  /** Adds new data blocks by index: `blocks` is kept and read again by `place`. Called at most once. */
  async stage(blocks: BlocksByIndex): Promise<void> {
    this.#staged = blocks;
    this.#indices = rising(blocks);
    if (this.#indices.length === 0) return;
    this.#growFor(this.#indices[this.#indices.length - 1]!);
    for (let level = this.#height; level >= 1; level--) await this.#openLevel(level);
    for (let position = 0; position < this.#indices.length; position++) {
      const { parent, offset } = this.#slotOf(0, this.#indices[position]!);
      if (!isNullPointer(parent, offset)) this.#dropBlock(parent, offset);
      const pause = position % blocksPerLook === 0 ? this.#turns.pass() : undefined;
      if (pause !== undefined) await pause;
    }
  }

  /** Allocates, checksums and writes everything new, and returns the new root. */
  async place(placer: BlockPlacer): Promise<TreeRoot> {
    let sinceLook = 0;
    for (let position = 0; position < this.#indices.length; position++) {
      const index = this.#indices[position]!;
      this.#placeBlock(this.#slotOf(0, index), this.#staged.get(index)!, 0, placer);
      const pause = ++sinceLook % blocksPerLook === 0 ? placer.pace() : undefined;
      if (pause !== undefined) await pause;
    }
    for (let level = 1; level <= this.#height; level++) {
      const nodes = this.#levels[level];
      if (nodes === undefined) continue;
      for (const ordinal of rising(nodes)) {
        const { bytes } = nodes.get(ordinal)!;
        const slot = this.#slotOf(level, ordinal);
        if (this.#isEmpty(bytes, this.#geometry.fanOut)) clearPointer(slot.parent, slot.offset);
        else this.#placeBlock(slot, bytes, level, placer);
        const pause = ++sinceLook % blocksPerLook === 0 ? placer.pace() : undefined;
        if (pause !== undefined) await pause;
      }
    }
    if (this.#isEmpty(this.#top, inodeSlots)) this.#height = 0;
    assert(this.#blockCount >= 0, 'a tree does not lose more blocks than it has');
    return { slots: this.#top, height: this.#height, blockCount: this.#blockCount };
  }

  #placeBlock(
    slot: { parent: Uint8Array; offset: number },
    bytes: Uint8Array,
    level: number,
    placer: BlockPlacer,
  ): void {
    const { parent, offset } = slot;
    const replaced = isNullPointer(parent, offset)
      ? undefined
      : { vbn: pointerVbn(parent, offset), birthCp: pointerBirth(parent, offset) };
    const vbn = placer.allocate();
    setPointer(parent, offset, { vbn, birthCp: placer.cp, checksum: checksumOf(bytes) });
    placer.write(vbn, bytes, level, replaced);
    this.#blockCount++;
  }

  /** Where the pointer to a block or address block of the new version stands. Its parent must be open. */
  #slotOf(level: number, ordinal: number): { parent: Uint8Array; offset: number } {
    if (level === this.#height) return { parent: this.#top, offset: ordinal * pointerBytes };
    const { fanOut } = this.#geometry;
    const node = this.#levels[level + 1]?.get(Math.floor(ordinal / fanOut));
    assert(node !== undefined, 'the parent of a changed block is open');
    return { parent: node.bytes, offset: (ordinal % fanOut) * pointerBytes };
  }

  #growFor(lastIndex: number): void {
    while (lastIndex >= treeCapacity(this.#geometry, this.#height)) {
      // An address block that growing has made has no pointer above it until it is placed.
      const hasOpenNodes = (this.#levels[this.#height]?.size ?? 0) > 0;
      if (hasOpenNodes || !this.#isEmpty(this.#top, inodeSlots)) {
        const bytes = new Uint8Array(this.#geometry.blockSizeBytes);
        bytes.set(this.#top);
        this.#nodesOf(this.#height + 1).set(0, { bytes });
        this.#top = new Uint8Array(this.#top.length);
      }
      this.#height++;
    }
  }

  #nodesOf(level: number): Map<number, Node> {
    return (this.#levels[level] ??= new Map());
  }

  /** Opens every address block of a level that leads to a staged block. The level above is open. */
  async #openLevel(level: number): Promise<void> {
    const nodes = this.#nodesOf(level);
    const below = blocksBelow(this.#geometry, level);
    const pointers = new PointerList();
    const ordinals: number[] = [];
    let last = -1;
    for (let at = 0; at < this.#indices.length; at++) {
      const ordinal = Math.floor(this.#indices[at]! / below);
      if (ordinal === last || nodes.has(ordinal)) continue;
      last = ordinal;
      const { parent, offset } = this.#slotOf(level, ordinal);
      if (isNullPointer(parent, offset)) {
        nodes.set(ordinal, { bytes: new Uint8Array(this.#geometry.blockSizeBytes) });
      } else {
        pointers.push(parent, offset);
        ordinals.push(ordinal);
      }
    }
    await this.#cache.visit(pointers, (position, bytes) => {
      nodes.set(ordinals[position]!, { bytes: bytes.slice() });
    });
    for (const ordinal of ordinals) {
      const { parent, offset } = this.#slotOf(level, ordinal);
      this.#dropBlock(parent, offset);
    }
  }

  async #punchChildren(range: {
    parent: Uint8Array;
    level: number;
    /** Position in the level of the parent's first child. */
    first: number;
    start: number;
    end: number;
  }): Promise<void> {
    const { parent, level, first, start, end } = range;
    const below = blocksBelow(this.#geometry, level);
    const slots = level === this.#height ? inodeSlots : this.#geometry.fanOut;
    const from = Math.max(first, Math.floor(start / below));
    const to = Math.min(first + slots, Math.ceil(end / below));
    const whole = new PointerList();
    for (let ordinal = from; ordinal < to; ordinal++) {
      const offset = (ordinal - first) * pointerBytes;
      const open = level > 0 ? this.#levels[level]?.get(ordinal) : undefined;
      if (open === undefined && isNullPointer(parent, offset)) continue;
      if (open === undefined && ordinal * below >= start && (ordinal + 1) * below <= end) {
        whole.push(parent, offset);
        clearPointer(parent, offset);
        continue;
      }
      const node = open ?? (await this.#openForPunch({ parent, offset, level, ordinal }));
      await this.#punchChildren({ parent: node.bytes, level: level - 1, first: ordinal * this.#geometry.fanOut, start, end });
    }
    await this.#dropSubtrees(whole, level);
  }

  async #openForPunch(at: { parent: Uint8Array; offset: number; level: number; ordinal: number }): Promise<Node> {
    assert(at.level > 0, 'only address blocks are punched in part');
    const bytes = await this.#cache.run(() => this.#cache.need(at.parent, at.offset).slice());
    const node: Node = { bytes };
    this.#nodesOf(at.level).set(at.ordinal, node);
    this.#dropBlock(at.parent, at.offset);
    return node;
  }

  /** Frees whole subtrees, level by level, reading their address blocks in batches. */
  async #dropSubtrees(roots: PointerList, level: number): Promise<void> {
    let pointers = roots;
    for (; level >= 0 && pointers.count > 0; level--) {
      for (let position = 0; position < pointers.count; position++) {
        const offset = position * pointerBytes;
        this.#freed(pointerVbn(pointers.bytes, offset), pointerBirth(pointers.bytes, offset));
        this.#blockCount--;
      }
      if (level === 0) return;
      const children = new PointerList();
      await this.#cache.visit(pointers, (_, bytes) => {
        for (let slot = 0; slot < this.#geometry.fanOut; slot++) {
          if (!isNullPointer(bytes, slot * pointerBytes)) children.push(bytes, slot * pointerBytes);
        }
      });
      pointers = children;
    }
  }

  /** Counts a block that will be replaced as gone. Its pointer stands until `place` writes another over it, or clears it. */
  #dropBlock(parent: Uint8Array, offset: number): void {
    this.#freed(pointerVbn(parent, offset), pointerBirth(parent, offset));
    this.#blockCount--;
  }

  #isEmpty(pointers: Uint8Array, count: number): boolean {
    for (let slot = 0; slot < count; slot++) if (!isNullPointer(pointers, slot * pointerBytes)) return false;
    return true;
  }
}

function rising(blocks: { readonly size: number; keys(): Iterable<number> }): Float64Array {
  const indices = new Float64Array(blocks.size);
  let count = 0;
  let isRising = true;
  for (const index of blocks.keys()) {
    if (count > 0 && index < indices[count - 1]!) isRising = false;
    indices[count++] = index;
  }
  return isRising ? indices : indices.sort();
}
