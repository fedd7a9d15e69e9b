import { PointerList } from '../blocks/index.ts';
import { type InodeKind, inodeBytes, inodeSlots, inodeTreeAt, pointerBytes } from '../format/index.ts';
import type { BlockFileContext, TreeRoot } from '../tree/index.ts';
import { walkBlocks } from './block-walk.ts';

/** Something that is not as it should be. */
export interface CheckProblem {
  code: 'unreadable' | 'shared' | 'outside' | 'leaked' | 'lost' | 'count' | 'damaged' | 'link';
  /** What is hit, why, and how it is known, in one sentence. */
  message: string;
}

/** Which tree a walk is in, for messages. */
export interface WalkedTree {
  root: Pick<TreeRoot, 'slots' | 'height'>;
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
    let count = 0;
    await walkBlocks(this.#context.geometry, tree.root, {
      afterCp: tree.afterCp,
      read: async ({ pointers, level }) => {
        const blocks = await this.#read(pointers, tree);
        count += blocks.count;
        if (level === 0 && tree.holdsInodes) {
          for (const bytes of blocks.bytes) if (bytes !== undefined) await this.#inodeBlock(bytes, tree);
        }
        return blocks.bytes;
      },
    });
    return count;
  }

  async #inodeBlock(bytes: Uint8Array, tree: WalkedTree): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += inodeBytes) {
      const inode = inodeTreeAt(bytes, offset);
      if (inode === undefined) continue;
      const slots = bytes.subarray(inode.slotsOffset, inode.slotsOffset + inodeSlots * pointerBytes);
      await this.tree({
        root: { slots, height: inode.height },
        what: `a ${describe(inode.kind)} of ${tree.what}`,
        afterCp: tree.afterCp,
        holdsInodes: false,
      });
    }
  }

  /** Reads and proves those that no earlier walk has seen; `count` is how many there were. */
  async #read(pointers: PointerList, tree: WalkedTree): Promise<{ bytes: (Uint8Array | undefined)[]; count: number }> {
    const { cache, geometry } = this.#context;
    const fresh = new PointerList();
    const positions: number[] = [];
    for (let position = 0; position < pointers.count; position++) {
      if (!this.mark(pointers.vbn(position), tree.what)) continue;
      fresh.push(pointers.bytes, position * pointerBytes);
      positions.push(position);
    }
    const targets = positions.map(() => new Uint8Array(geometry.blockSizeBytes));
    const faults = await cache.store.readTolerant(fresh, targets);
    for (const [position, fault] of faults) {
      const vbn = fresh.vbn(position);
      this.report({ code: 'unreadable', message: `Block ${vbn} of ${tree.what} is bad: ${fault.message}` });
    }
    this.verifiedBlocks += fresh.count - faults.size;
    this.#onProgress(this.verifiedBlocks);
    const bytes: (Uint8Array | undefined)[] = new Array<undefined>(pointers.count).fill(undefined);
    targets.forEach((target, index) => {
      if (!faults.has(index)) bytes[positions[index]!] = target;
    });
    return { bytes, count: fresh.count };
  }
}

function describe(kind: InodeKind): string {
  return kind === 'attributes' ? 'set of extended attributes' : kind;
}
