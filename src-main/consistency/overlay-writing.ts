import type { Overlay, TreeRoot } from '../tree/index.ts';
import type { CpWriter } from './cp-writer.ts';

/** Writes what lies over one tree, and returns the tree's new root. */
export async function writeOverlay(
  writer: CpWriter,
  file: { root: TreeRoot; overlay: Overlay; isMap: boolean; cacheData: boolean },
): Promise<TreeRoot> {
  const { root, overlay, isMap, cacheData } = file;
  const edit = isMap ? writer.editMaps(root) : writer.editFiles(root);
  if (!overlay.holes.isEmpty) await edit.punch(overlay.holes);
  await edit.stage(overlay.blocks);
  return writer.place(edit, { cacheData });
}
