import { firstEntry } from '../files/index.ts';
import { type CursorShapes, readCursor, writeCursor } from './cursor.ts';
import type { FolderPlace } from './folder-walk.ts';

/**
 * What is done with one part of the changed inodes, in this order: the root's own
 * change; the folders of the newer state; all folders of the newer state, when
 * something was not where it said; the folders of the older state.
 */
export type DifferenceStage = 'root' | 'newer' | 'lost' | 'older';

export interface DifferencePlace {
  readonly stage: DifferenceStage;
  readonly start: number;
  /** 0 while it is not known how far this part goes. */
  readonly end: number;
  /** Changed files of this part that were found where they said. */
  readonly metCount: number;
  readonly folder: FolderPlace;
}

export const topOfAll: FolderPlace = { path: '/', entries: firstEntry };

const shapes: CursorShapes<DifferenceStage | `${DifferenceStage}in`> = { root: 5, rootin: 3, newer: 5, newerin: 3, lost: 5, lostin: 3, older: 5, olderin: 3 };

export function differenceTextOf({ stage, start, end, metCount, folder }: DifferencePlace): string {
  const numbers = [start, end, metCount];
  if ('entries' in folder) {
    return writeCursor({ kind: stage, numbers: [...numbers, folder.entries.block, folder.entries.slot], path: folder.path });
  }
  return writeCursor({ kind: `${stage}in`, numbers, path: folder.path, name: folder.after });
}

/** Throws `argument-invalid` for a text that `differenceTextOf` does not write. */
export function differencePlaceOf(text: string): DifferencePlace {
  const { kind, numbers, path, name } = readCursor(text, shapes);
  const [start = 1, end = 0, metCount = 0, block = 0, slot = 0] = numbers;
  const stage = kind.replace(/in$/, '') as DifferenceStage;
  const folder = kind.endsWith('in') ? { path, after: name } : { path, entries: { block, slot } };
  return { stage, start, end, metCount, folder };
}
