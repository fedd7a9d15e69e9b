import type { Overlay, TreeEdit, TreeRoot } from '../tree/index.ts';
import type { CpWriter } from './cp-writer.ts';

/** A tree and what lies over it. */
export interface OverlaidTree {
  readonly root: TreeRoot;
  readonly overlay: Overlay;
  readonly isMap: boolean;
}

/** Reads and opens what the changes that lie over a tree touch of it. */
export async function stageOverlay(writer: CpWriter, { root, overlay, isMap }: OverlaidTree): Promise<TreeEdit> {
  const edit = isMap ? writer.editMaps(root) : writer.editFiles(root);
  if (!overlay.holes.isEmpty) await edit.punch(overlay.holes);
  await edit.stage(overlay.blocks);
  return edit;
}

/** Writes what lies over one tree, and returns the tree's new root. */
export async function writeOverlay(writer: CpWriter, file: OverlaidTree & { cacheData: boolean }): Promise<TreeRoot> {
  return writer.place(await stageOverlay(writer, file), { cacheData: file.cacheData });
}
