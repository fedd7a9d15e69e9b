import { type InodeDifference, isSameContent, nextInodeDifferences } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { changedBlocksMax, changedInodesMax } from './limits.ts';
import { isSameFile, look } from './states.ts';
import type { StepWork } from './step.ts';

/** Behind every inode number. */
export const inodeEnd = 2 ** 48;

/** Two states that are compared. */
export interface StatePair {
  readonly before: VolumeState;
  readonly after: VolumeState;
}

/** An inode whose block is not the same in both states. */
export interface ChangedInode extends InodeDifference {
  /** It is one file in both. */
  readonly isSame: boolean;
  readonly isContentSame: boolean;
}

/** Inode numbers from one to another, and what has changed among them. */
export interface ChangedRange {
  readonly start: number;
  /** `inodeEnd` when nothing has changed behind it. */
  readonly end: number;
  readonly inodes: readonly ChangedInode[];
}

/**
 * Gathers what differs between two states from an inode number on, as much as is
 * looked for together; `end` asks for a range that was gathered before.
 */
export async function changedInodes(
  pair: StatePair,
  range: { start: number; end?: number | undefined; isWanted: (inode: ChangedInode) => boolean },
  work: StepWork,
): Promise<ChangedRange> {
  const { before, after } = pair;
  const { start, isWanted } = range;
  const inodes: ChangedInode[] = [];
  let from = start;
  for (let blocks = 0; from < (range.end ?? inodeEnd); blocks++) {
    if (range.end === undefined && (blocks >= changedBlocksMax || inodes.length >= changedInodesMax)) return { start, end: from, inodes };
    const at = from;
    const found = await look([before, after], () => nextInodeDifferences(before.files.inodes, after.files.inodes, at));
    if (found === undefined) return { start, end: range.end ?? inodeEnd, inodes };
    work.spend(found.inodes.length + 1);
    for (const difference of found.inodes) {
      const inode = judged(pair, difference);
      if (isWanted(inode) && inode.ino < (range.end ?? inodeEnd)) inodes.push(inode);
    }
    from = found.next;
  }
  return { start, end: range.end ?? inodeEnd, inodes };
}

function judged(pair: StatePair, difference: InodeDifference): ChangedInode {
  const { before, after } = difference;
  const isSame = before !== undefined && after !== undefined && isSameFile({ state: pair.before, mark: before }, { state: pair.after, mark: after });
  return { ...difference, isSame, isContentSame: isSame && isSameContent(before, after) };
}
