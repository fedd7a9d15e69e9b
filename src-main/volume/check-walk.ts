import { PointerList } from '../blocks/index.ts';
import {
  type InodeKind,
  inodeBytes,
  inodeSlots,
  inodeTreeAt,
  isNullPointer,
  pointerBirth,
  pointerBytes,
} from '../format/index.ts';
import type { BlockFileContext, TreeRoot } from '../tree/index.ts';

/** Pointers that are read in one step. */
const partPointersMax = 512;

/** Something that is not as it should be. */
export interface CheckProblem {
  code: 'unreadable' | 'shared' | 'outside' | 'leaked' | 'lost' | 'count' | 'damaged' | 'link';
  /** What is hit, why, and how it is known, in one sentence. */
  message: string;
}

/** Which tree a walk is in, for messages. */
export interface WalkedTree {
  root: TreeRoot;
  /** `inode 17 of CP 5`. */
  what: string;
  /** Subtrees born at or before this were walked with an earlier root. */
  afterCp: number;
  /** The data blocks hold inodes, whose trees are walked as well. */
  holdsInodes: boolean;
}

/**
 * Walks trees for the checker: reads and proves every block that no earlier walk
 * has seen, marks it in a bitmap of the VBN space, and goes on after faults.
 */
export class CheckWalk {
  readonly referenced: Uint8Array;
  readonly problems: CheckProblem[] = [];
  verifiedBlocks = 0;
  readonly #context: BlockFileContext;
  readonly #blockCount: number;
  readonly #onProgress: (verifiedBlocks: number) => void;
  readonly #problemsMax: number;

  constructor(options: {
    context: BlockFileContext;
    blockCount: number;
    problemsMax: number;
    onProgress: (verifiedBlocks: number) => void;
  }) {
    this.#context = options.context;
    this.#blockCount = options.blockCount;
    this.#problemsMax = options.problemsMax;
    this.#onProgress = options.onProgress;
    this.referenced = new Uint8Array(Math.ceil(options.blockCount / 8));
  }

  report(problem: CheckProblem): void {
    if (this.problems.length < this.#problemsMax) this.problems.push(problem);
  }

  isMarked(vbn: number): boolean {
    return (this.referenced[vbn >> 3]! & (1 << (vbn & 7))) !== 0;
  }

  /** Marks a block that something references; false and a problem when it lies outside, or something else has it. */
  mark(vbn: number, what: string): boolean {
    if (vbn >= this.#blockCount) {
      this.report({ code: 'outside', message: `${what} points to block ${vbn}, beyond the volume's end.` });
      return false;
    }
    if (this.isMarked(vbn)) {
      this.report({ code: 'shared', message: `${what} points to block ${vbn}, which something else holds as well.` });
      return false;
    }
    this.referenced[vbn >> 3]! |= 1 << (vbn & 7);
    return true;
  }

  /** Walks a tree; resolves to the number of its blocks that were new. */
  async tree(tree: WalkedTree): Promise<number> {
    const top = new PointerList();
    this.#collect(top, { bytes: tree.root.slots, offset: 0, slots: inodeSlots, afterCp: tree.afterCp });
    return this.#level(top, tree.root.height, tree);
  }

  async #level(pointers: PointerList, level: number, tree: WalkedTree): Promise<number> {
    const { fanOut } = this.#context.geometry;
    const partMax = level === 0 ? partPointersMax : Math.max(1, Math.floor((partPointersMax * 4) / fanOut));
    let count = 0;
    for (let start = 0; start < pointers.count; start += partMax) {
      const part = new PointerList();
      for (let position = start; position < Math.min(start + partMax, pointers.count); position++) {
        if (this.mark(pointers.vbn(position), tree.what)) part.push(pointers.bytes, position * pointerBytes);
      }
      const blocks = await this.#read(part, tree);
      count += part.count;
      if (level > 0) {
        const children = new PointerList();
        for (const bytes of blocks) this.#collect(children, { bytes, offset: 0, slots: fanOut, afterCp: tree.afterCp });
        count += await this.#level(children, level - 1, tree);
      } else if (tree.holdsInodes) {
        for (const bytes of blocks) await this.#inodeBlock(bytes, tree);
      }
    }
    return count;
  }

  async #inodeBlock(bytes: Uint8Array, tree: WalkedTree): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += inodeBytes) {
      const inode = inodeTreeAt(bytes, offset);
      if (inode === undefined) continue;
      const slots = bytes.subarray(inode.slotsOffset, inode.slotsOffset + inodeSlots * pointerBytes);
      await this.tree({
        root: { slots, height: inode.height, blockCount: 0 },
        what: `a ${describe(inode.kind)} of ${tree.what}`,
        afterCp: tree.afterCp,
        holdsInodes: false,
      });
    }
  }

  async #read(pointers: PointerList, tree: WalkedTree): Promise<Uint8Array[]> {
    const { cache, geometry } = this.#context;
    const targets = Array.from({ length: pointers.count }, () => new Uint8Array(geometry.blockSizeBytes));
    const faults = await cache.store.readTolerant(pointers, targets);
    for (const [position, fault] of faults) {
      const vbn = pointers.vbn(position);
      this.report({ code: 'unreadable', message: `Block ${vbn} of ${tree.what} is bad: ${fault.message}` });
    }
    this.verifiedBlocks += pointers.count - faults.size;
    this.#onProgress(this.verifiedBlocks);
    return targets.filter((_, position) => !faults.has(position));
  }

  #collect(into: PointerList, from: { bytes: Uint8Array; offset: number; slots: number; afterCp: number }): void {
    for (let slot = 0; slot < from.slots; slot++) {
      const offset = from.offset + slot * pointerBytes;
      if (!isNullPointer(from.bytes, offset) && pointerBirth(from.bytes, offset) > from.afterCp) {
        into.push(from.bytes, offset);
      }
    }
  }
}

function describe(kind: InodeKind): string {
  return kind === 'attributes' ? 'set of extended attributes' : kind;
}
