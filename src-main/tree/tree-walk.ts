import { type BlockCache, PointerList } from '../blocks/index.ts';
import { type Geometry, inodeSlots, isNullPointer, pointerBirth, pointerBytes } from '../format/index.ts';
import type { TreeRoot } from './block-file.ts';

/** Pointers of one level that a walk gathers before it goes down. */
const batchPointersMax = 4096;

/** What a walk meets: a batch of pointers of one level; level 0 is data. */
export type WalkVisitor = (pointers: PointerList, level: number) => Promise<void> | void;

/**
 * Walks a tree from the top, parents before children, in batches. Subtrees born
 * at or before `afterCp` are not entered or visited: a tree of that CP holds
 * them too, because a (VBN, birth) pair never changes its content. The visitor
 * sees every other pointer before its children are read.
 */
export async function walkTree(
  context: { geometry: Geometry; cache: BlockCache },
  root: TreeRoot,
  options: { afterCp: number; visit: WalkVisitor },
): Promise<void> {
  const { geometry, cache } = context;
  const { afterCp, visit } = options;

  const collect = (into: PointerList, bytes: Uint8Array, slots: number): void => {
    for (let offset = 0; offset < slots * pointerBytes; offset += pointerBytes) {
      if (!isNullPointer(bytes, offset) && pointerBirth(bytes, offset) > afterCp) into.push(bytes, offset);
    }
  };

  const descend = async (pointers: PointerList, level: number): Promise<void> => {
    if (pointers.count === 0) return;
    await visit(pointers, level);
    if (level === 0) return;
    for (let start = 0; start < pointers.count; ) {
      // A part small enough that its children fill about one batch.
      const count = Math.min(pointers.count - start, Math.max(1, Math.floor(batchPointersMax / geometry.fanOut)));
      const part = new PointerList();
      for (let position = start; position < start + count; position++) {
        part.push(pointers.bytes, position * pointerBytes);
      }
      const children = new PointerList();
      await cache.visit(part, (_, bytes) => {
        collect(children, bytes, geometry.fanOut);
      });
      await descend(children, level - 1);
      start += count;
    }
  };

  const top = new PointerList();
  collect(top, root.slots, inodeSlots);
  await descend(top, root.height);
}
