import { type BlockCache, type BlockStore, cutBlocks, PointerList } from '../blocks/index.ts';
import {
  type Geometry,
  inodeBytes,
  type InodeFields,
  inodeSlots,
  inodeTreeAt,
  isNullPointer,
  isSamePointer,
  pointerBirth,
  pointerBytes,
  treeHeightMax,
} from '../format/index.ts';
import { frontPointersMax } from './limits.ts';

/** Blocks of inodes stand above every level of the trees that they lead to, and their own address blocks above them. */
const inodeBlockRank = treeHeightMax + 1;
const rankMax = inodeBlockRank + treeHeightMax;

/** Resolves when the blocks of the pointers, all of one rank, are proven; rank 0, data, may still be on its way. */
export type Prove = (pointers: PointerList, rank: number) => Promise<void>;

type Tree = Pick<InodeFields, 'slots' | 'height'>;

/** Pointers of one rank, and for each the pointer at the same place of the tree to compare with; null ones where there is none. */
class PointerPairs {
  readonly pointers = new PointerList();
  readonly others = new PointerList();

  push(bytes: Uint8Array, offset: number, other: Uint8Array, otherOffset: number): void {
    this.pointers.push(bytes, offset);
    this.others.push(other, otherOffset);
  }
}

/** Pairs whose blocks are proven and whose children have not been looked at. */
interface Proven {
  readonly pairs: PointerPairs;
  next: number;
}

const noPointer = new Uint8Array(pointerBytes);

/**
 * The front of a walk from root to leaves over many trees at once. Whatever it
 * meets is proven before it is read and entered. Passed by are pointers born at
 * or before `afterCp`, and those that are the same, checksum included, as the
 * pointer at the same place of a tree to compare with: what hangs under them is
 * here. Pointers of equal rank are gathered across trees, so that small files
 * cost no round trip each, and the lowest full rank goes first, so that the
 * front holds a few thousand pointers per rank whatever the volume's size.
 */
export class TreeFront {
  readonly #geometry: Geometry;
  readonly #cache: BlockCache;
  readonly #prove: Prove;
  readonly #afterCp: number;
  readonly #compared: BlockStore | undefined;
  readonly #waiting = Array.from({ length: rankMax + 1 }, () => new PointerPairs());
  readonly #proven: (Proven | undefined)[] = [];

  /** `compared` holds the blocks of the trees to compare with. */
  constructor(options: {
    geometry: Geometry;
    cache: BlockCache;
    afterCp: number;
    prove: Prove;
    compared?: BlockStore | undefined;
  }) {
    this.#geometry = options.geometry;
    this.#cache = options.cache;
    this.#afterCp = options.afterCp;
    this.#prove = options.prove;
    this.#compared = options.compared;
  }

  /** Adds a file's tree, and the tree to compare it with. */
  addFile(file: Tree, other?: Tree): void {
    this.#addTree(file, other, file.height);
  }

  /** Adds an inode file's tree, and with it every file that its inodes lead to. */
  addInodeFile(file: Tree, other?: Tree): void {
    this.#addTree(file, other, inodeBlockRank + file.height);
  }

  /** Walks until nothing is left; blocks of rank 0 may then still be on their way. */
  async drain(): Promise<void> {
    for (;;) {
      const full = this.#waiting.findIndex(({ pointers }) => pointers.count >= frontPointersMax);
      if (full >= 0) {
        await this.#proveRank(full);
        continue;
      }
      const enterable = this.#proven.findIndex((proven) => proven !== undefined);
      if (enterable >= 0) {
        await this.#enterPart(enterable);
        continue;
      }
      const highest = this.#waiting.findLastIndex(({ pointers }) => pointers.count > 0);
      if (highest < 0) return;
      await this.#proveRank(highest);
    }
  }

  async #proveRank(rank: number): Promise<void> {
    const pairs = this.#waiting[rank]!;
    this.#waiting[rank] = new PointerPairs();
    await this.#prove(pairs.pointers, rank);
    if (rank > 0) this.#proven[rank] = { pairs, next: 0 };
  }

  /** Reads some proven blocks of a rank and gathers what they point to. */
  async #enterPart(rank: number): Promise<void> {
    const proven = this.#proven[rank]!;
    const { pointers, others } = proven.pairs;
    const { fanOut, inodesPerBlock } = this.#geometry;
    const children = rank === inodeBlockRank ? inodesPerBlock * inodeSlots : fanOut;
    const count = Math.min(pointers.count - proven.next, Math.max(1, Math.floor(frontPointersMax / children)));
    const part = new PointerPairs();
    for (let index = proven.next; index < proven.next + count; index++) {
      part.push(pointers.bytes, index * pointerBytes, others.bytes, index * pointerBytes);
    }
    proven.next += count;
    if (proven.next === pointers.count) this.#proven[rank] = undefined;
    const compared = await this.#readCompared(part.others);
    await this.#cache.visit(part.pointers, (position, bytes) => {
      const other = compared.get(position);
      if (rank === inodeBlockRank) this.#enterInodes(bytes, other);
      else this.#collect(rank - 1, { bytes, offset: 0, slots: fanOut }, other === undefined ? undefined : { bytes: other, offset: 0 });
    });
  }

  /** The blocks to compare with, by position; one that cannot be read is not compared. */
  async #readCompared(others: PointerList): Promise<Map<number, Uint8Array>> {
    const blocks = new Map<number, Uint8Array>();
    if (this.#compared === undefined) return blocks;
    const there = new PointerList();
    const positions: number[] = [];
    for (let position = 0; position < others.count; position++) {
      if (isNullPointer(others.bytes, position * pointerBytes)) continue;
      there.push(others.bytes, position * pointerBytes);
      positions.push(position);
    }
    const { blockSizeBytes } = this.#geometry;
    const targets = cutBlocks(new Uint8Array(there.count * blockSizeBytes), blockSizeBytes);
    const faults = await this.#compared.readTolerant(there, targets);
    positions.forEach((position, index) => {
      if (!faults.has(index)) blocks.set(position, targets[index]!);
    });
    return blocks;
  }

  #enterInodes(bytes: Uint8Array, other: Uint8Array | undefined): void {
    for (let offset = 0; offset < bytes.length; offset += inodeBytes) {
      const tree = inodeTreeAt(bytes, offset);
      if (tree === undefined) continue;
      const before = other === undefined ? undefined : inodeTreeAt(other, offset);
      // A height out of range would not fit the ranks; decoding the inode would refuse it as well.
      const rank = Math.min(tree.height, treeHeightMax);
      const from = { bytes, offset: tree.slotsOffset, slots: inodeSlots };
      const isComparable = other !== undefined && before?.height === tree.height;
      this.#collect(rank, from, isComparable ? { bytes: other, offset: before.slotsOffset } : undefined);
    }
  }

  #addTree(file: Tree, other: Tree | undefined, rank: number): void {
    const compared = other?.height === file.height ? { bytes: other.slots, offset: 0 } : undefined;
    this.#collect(rank, { bytes: file.slots, offset: 0, slots: inodeSlots }, compared);
  }

  /** Gathers pointers, each with the one at the same place of what is compared. */
  #collect(
    rank: number,
    from: { bytes: Uint8Array; offset: number; slots: number },
    compared: { bytes: Uint8Array; offset: number } | undefined,
  ): void {
    const into = this.#waiting[rank]!;
    const { bytes, offset: start } = from;
    const other = compared?.bytes ?? noPointer;
    for (let index = 0; index < from.slots; index++) {
      const offset = start + index * pointerBytes;
      if (isNullPointer(bytes, offset) || pointerBirth(bytes, offset) <= this.#afterCp) continue;
      const otherOffset = compared === undefined ? 0 : compared.offset + index * pointerBytes;
      if (!isSamePointer(bytes, offset, other, otherOffset)) into.push(bytes, offset, other, otherOffset);
    }
  }
}
