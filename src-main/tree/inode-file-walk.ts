import { type BlockCache, PointerList } from '../blocks/index.ts';
import { type Geometry, inodeBytes, inodeSlots, inodeTreeAt, pointerBirth, pointerBytes } from '../format/index.ts';
import type { TreeRoot } from './block-file.ts';
import { walkTree } from './tree-walk.ts';

/** Inodes whose trees are gathered before they are walked. */
const inodesTogetherMax = 16_384;

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
      const blocksTogether = Math.max(1, Math.floor(inodesTogetherMax / context.geometry.inodesPerBlock));
      for (let start = 0; level === 0 && start < pointers.count; start += blocksTogether) {
        const part = new PointerList();
        for (let position = start; position < Math.min(start + blocksTogether, pointers.count); position++) {
          part.push(pointers.bytes, position * pointerBytes);
        }
        const trees: TreeRoot[] = [];
        await context.cache.visit(part, (_, bytes) => {
          trees.push(...youngTrees(bytes, afterCp));
        });
        for (const tree of trees) await walkTree(context, tree, { afterCp, visit: (found) => visit(found) });
      }
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
