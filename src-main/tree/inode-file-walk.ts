import type { BlockCache, PointerList } from '../blocks/index.ts';
import { type Geometry, inodeBytes, inodeSlots, inodeTreeAt, pointerBirth, pointerBytes } from '../format/index.ts';
import type { TreeRoot } from './block-file.ts';
import { walkTree } from './tree-walk.ts';

/**
 * Walks an inode file and the trees of all inodes in it, as `walkTree` does with
 * one tree: only what was born after `afterCp`. An inode block is at least as
 * young as all that its inodes lead to, so what is passed by holds nothing younger.
 */
export async function walkInodeFile(
  context: { geometry: Geometry; cache: BlockCache },
  inodeFile: TreeRoot,
  options: { afterCp: number; visit: (pointers: PointerList) => Promise<void> | void },
): Promise<void> {
  const { afterCp, visit } = options;
  await walkTree(context, inodeFile, {
    afterCp,
    visit: async (pointers, level) => {
      await visit(pointers);
      if (level > 0) return;
      const trees: TreeRoot[] = [];
      await context.cache.visit(pointers, (_, bytes) => {
        trees.push(...youngTrees(bytes, afterCp));
      });
      for (const tree of trees) await walkTree(context, tree, { afterCp, visit: (part) => visit(part) });
    },
  });
}

/** The trees in a block of inodes that have blocks born after a CP. */
function youngTrees(inodeBlock: Uint8Array, afterCp: number): TreeRoot[] {
  const trees: TreeRoot[] = [];
  for (let offset = 0; offset < inodeBlock.length; offset += inodeBytes) {
    const inode = inodeTreeAt(inodeBlock, offset);
    if (inode === undefined) continue;
    const slots = inodeBlock.slice(inode.slotsOffset, inode.slotsOffset + inodeSlots * pointerBytes);
    const isYoung = Array.from({ length: inodeSlots }).some((_, slot) => pointerBirth(slots, slot * pointerBytes) > afterCp);
    if (isYoung) trees.push({ slots, height: inode.height, blockCount: 0 });
  }
  return trees;
}
