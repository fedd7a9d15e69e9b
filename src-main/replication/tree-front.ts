import { type BlockCache, PointerList } from '../blocks/index.ts';
import {
  type Geometry,
  inodeBytes,
  type InodeFields,
  inodeSlots,
  inodeTreeAt,
  isNullPointer,
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

/** Pointers to proven blocks whose children have not been looked at. */
interface Proven {
  readonly pointers: PointerList;
  next: number;
}

/**
 * The front of a walk from root to leaves over many trees at once. Whatever it
 * meets is proven before it is read and entered; pointers born at or before
 * `afterCp` are passed by. Pointers of equal rank are gathered across trees, so
 * that small files cost no round trip each, and the lowest full rank goes first,
 * so that the front holds a few thousand pointers per rank whatever the
 * volume's size.
 */
export class TreeFront {
  readonly #geometry: Geometry;
  readonly #cache: BlockCache;
  readonly #prove: Prove;
  readonly #afterCp: number;
  readonly #waiting = Array.from({ length: rankMax + 1 }, () => new PointerList());
  readonly #proven: (Proven | undefined)[] = [];

  constructor(options: { geometry: Geometry; cache: BlockCache; afterCp: number; prove: Prove }) {
    this.#geometry = options.geometry;
    this.#cache = options.cache;
    this.#afterCp = options.afterCp;
    this.#prove = options.prove;
  }

  /** Adds a file's tree. */
  addFile(file: Pick<InodeFields, 'slots' | 'height'>): void {
    this.#collect(file.slots, { offset: 0, slots: inodeSlots, rank: file.height });
  }

  /** Adds an inode file's tree, and with it every file that its inodes lead to. */
  addInodeFile(file: Pick<InodeFields, 'slots' | 'height'>): void {
    this.#collect(file.slots, { offset: 0, slots: inodeSlots, rank: inodeBlockRank + file.height });
  }

  /** Walks until nothing is left; blocks of rank 0 may then still be on their way. */
  async drain(): Promise<void> {
    for (;;) {
      const full = this.#waiting.findIndex((pointers) => pointers.count >= frontPointersMax);
      if (full >= 0) {
        await this.#proveRank(full);
        continue;
      }
      const enterable = this.#proven.findIndex((proven) => proven !== undefined);
      if (enterable >= 0) {
        await this.#enterPart(enterable);
        continue;
      }
      const highest = this.#waiting.findLastIndex((pointers) => pointers.count > 0);
      if (highest < 0) return;
      await this.#proveRank(highest);
    }
  }

  async #proveRank(rank: number): Promise<void> {
    const pointers = this.#waiting[rank]!;
    this.#waiting[rank] = new PointerList();
    await this.#prove(pointers, rank);
    if (rank > 0) this.#proven[rank] = { pointers, next: 0 };
  }

  /** Reads some proven blocks of a rank and gathers what they point to. */
  async #enterPart(rank: number): Promise<void> {
    const proven = this.#proven[rank]!;
    const { fanOut, inodesPerBlock } = this.#geometry;
    const children = rank === inodeBlockRank ? inodesPerBlock * inodeSlots : fanOut;
    const count = Math.min(
      proven.pointers.count - proven.next,
      Math.max(1, Math.floor(frontPointersMax / children)),
    );
    const part = new PointerList();
    for (let index = 0; index < count; index++) {
      part.push(proven.pointers.bytes, (proven.next + index) * pointerBytes);
    }
    proven.next += count;
    if (proven.next === proven.pointers.count) this.#proven[rank] = undefined;
    await this.#cache.visit(part, (_, bytes) => {
      if (rank === inodeBlockRank) this.#enterInodes(bytes);
      else this.#collect(bytes, { offset: 0, slots: fanOut, rank: rank - 1 });
    });
  }

  #enterInodes(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; offset += inodeBytes) {
      const tree = inodeTreeAt(bytes, offset);
      if (tree === undefined) continue;
      // A height out of range would not fit the ranks; decoding the inode would refuse it as well.
      const rank = Math.min(tree.height, treeHeightMax);
      this.#collect(bytes, { offset: tree.slotsOffset, slots: inodeSlots, rank });
    }
  }

  #collect(bytes: Uint8Array, from: { offset: number; slots: number; rank: number }): void {
    const into = this.#waiting[from.rank]!;
    const end = from.offset + from.slots * pointerBytes;
    for (let offset = from.offset; offset < end; offset += pointerBytes) {
      if (!isNullPointer(bytes, offset) && pointerBirth(bytes, offset) > this.#afterCp) into.push(bytes, offset);
    }
  }
}
