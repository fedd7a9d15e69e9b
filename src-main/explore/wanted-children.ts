import { markOf } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { look } from './states.ts';

/** Folders whose ways upwards are gone in one operation. */
const waysPerLook = 64;

/** More folders above one another can only be a damaged circle. */
const depthMax = 100_000;

/** By folder, the inodes in it that are looked for, or lead to what is. */
type WantedChildren = ReadonlyMap<number, ReadonlySet<number>>;

/** What a walk down to what is sought is to follow. */
export interface WantedOnTheWay {
  readonly isWanted: (folder: number, child: { readonly ino: number }) => boolean;
  readonly wantedCount: (folder: number) => number;
}

/** An inode to be found by what it says of its parent. */
export interface Sought {
  readonly ino: number;
  readonly parent: number;
  /** A folder may have it more than once. */
  readonly hasSeveralNames?: boolean;
}

/** The folders from a parent upwards. */
interface WayUp {
  readonly folders: readonly number[];
  /** It leads to the top. */
  readonly isBelow: boolean;
}

/**
 * Which children to follow from a folder on the way down to what is sought. What
 * does not lie below the folder is left out, and what does not say where it lies.
 */
export async function wantedChildren(state: VolumeState, top: number, sought: readonly Sought[]): Promise<WantedOnTheWay> {
  const wanted = new Map<number, Set<number>>();
  const uncounted = new Set<number>();
  const known = new Map([[top, true]]);
  for (let start = 0; start < sought.length; start += waysPerLook) {
    const part = sought.slice(start, start + waysPerLook);
    const ways = await look([state], () => part.map(({ parent }) => wayUp(state, known, parent)));
    for (const [index, { folders, isBelow }] of ways.entries()) {
      let child = part[index]!.ino;
      if (part[index]!.hasSeveralNames === true && folders.length > 0) uncounted.add(folders[0]!);
      for (const folder of folders) {
        known.set(folder, isBelow);
        if (isBelow) child = addChild(wanted, folder, child);
      }
    }
  }
  return wayDown(wanted, uncounted);
}

function wayDown(wanted: WantedChildren, uncounted: ReadonlySet<number>): WantedOnTheWay {
  return {
    isWanted: (folder, { ino }) => wanted.get(folder)?.has(ino) === true,
    wantedCount: (folder) => (uncounted.has(folder) ? Infinity : (wanted.get(folder)?.size ?? 0)),
  };
}

/** `known` says of some folders whether they lie below the top. */
function wayUp({ files }: VolumeState, known: ReadonlyMap<number, boolean>, parent: number): WayUp {
  const folders: number[] = [];
  for (let folder = parent; folder !== 0 && folders.length < depthMax; ) {
    const mark = markOf(files.inodes, folder);
    if (mark?.kind !== 'directory') break;
    folders.push(folder);
    const isBelow = known.get(folder);
    if (isBelow !== undefined) return { folders, isBelow };
    if (mark.parent === folder) break;
    folder = mark.parent;
  }
  return { folders, isBelow: false };
}

/** Adds a child to a folder; returns the folder, which is the child of the next one upwards. */
function addChild(wanted: Map<number, Set<number>>, folder: number, child: number): number {
  const children = wanted.get(folder);
  if (children === undefined) wanted.set(folder, new Set([child]));
  else children.add(child);
  return folder;
}
