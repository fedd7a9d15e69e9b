import { PointerList } from '../blocks/index.ts';
import { blocksBelow, type Geometry, inodeSlots, isNullPointer, pointerBirth, pointerBytes } from '../format/index.ts';
import type { TreeRoot } from '../tree/index.ts';

/** Data blocks that are read in one step unless the walker wants fewer; with them the children of address blocks are measured. */
const stepBlocksMax = 512;

/** Blocks of one level of a tree that are to be read together. */
export interface WalkStep {
  readonly pointers: PointerList;
  /** 0 is data. */
  readonly level: number;
  /** Of each pointer, the first data block of the file that lies below it. */
  readonly firstIndices: readonly number[];
}

/** The bytes of each pointer's block; undefined for one whose children are not to be walked. `stop` ends the walk. */
export type ReadStep = (step: WalkStep) => Promise<readonly (Uint8Array | undefined)[] | 'stop'>;

interface Gathering {
  readonly pointers: PointerList;
  readonly firstIndices: number[];
}

/**
 * Walks a tree from the top and from the left, parents before children, past
 * whatever is born at or before `afterCp` or lies wholly before the data block
 * `fromIndex`. How blocks are read, and what is done about bad ones, is the
 * reader's business. Resolves to whether it came to the end.
 */
export async function walkBlocks(
  geometry: Geometry,
  root: Pick<TreeRoot, 'slots' | 'height'>,
  options: { afterCp: number; fromIndex?: number; stepBlocks?: number; read: ReadStep },
): Promise<boolean> {
  const { afterCp, fromIndex = 0, stepBlocks = stepBlocksMax, read } = options;

  const gather = (into: Gathering, from: { bytes: Uint8Array; slots: number; level: number; firstIndex: number }): void => {
    const span = blocksBelow(geometry, from.level);
    for (let slot = 0; slot < from.slots; slot++) {
      const offset = slot * pointerBytes;
      const firstIndex = from.firstIndex + slot * span;
      if (isNullPointer(from.bytes, offset) || pointerBirth(from.bytes, offset) <= afterCp || firstIndex + span <= fromIndex) continue;
      into.pointers.push(from.bytes, offset);
      into.firstIndices.push(firstIndex);
    }
  };

  const descend = async (all: Gathering, level: number): Promise<boolean> => {
    const partMax = level === 0 ? stepBlocks : Math.max(1, Math.floor((stepBlocks * 4) / geometry.fanOut));
    for (let start = 0; start < all.pointers.count; start += partMax) {
      const part = partOf(all, start, start + partMax);
      const blocks = await read({ ...part, level });
      if (blocks === 'stop') return false;
      if (level === 0) continue;
      const children: Gathering = { pointers: new PointerList(), firstIndices: [] };
      blocks.forEach((bytes, position) => {
        if (bytes === undefined) return;
        gather(children, { bytes, slots: geometry.fanOut, level: level - 1, firstIndex: part.firstIndices[position]! });
      });
      if (!(await descend(children, level - 1))) return false;
    }
    return true;
  };

  const top: Gathering = { pointers: new PointerList(), firstIndices: [] };
  gather(top, { bytes: root.slots, slots: inodeSlots, level: root.height, firstIndex: 0 });
  return descend(top, root.height);
}

function partOf(all: Gathering, start: number, end: number): Gathering {
  const firstIndices = all.firstIndices.slice(start, end);
  const pointers = new PointerList();
  firstIndices.forEach((_, index) => {
    pointers.push(all.pointers.bytes, (start + index) * pointerBytes);
  });
  return { pointers, firstIndices };
}
