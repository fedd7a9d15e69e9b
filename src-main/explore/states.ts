import { isFault } from '../base/index.ts';
import { BlockCache } from '../blocks/index.ts';
import { type DirectoryEntry, type InodeMark, isDirectory, markOf } from '../files/index.ts';
import type { StatesInView, StatesWanted, VolumeState } from '../volume/index.ts';
import { entriesPerLookMax, statesPerStepMax } from './limits.ts';

/** A volume or a mirror, whose states can be held. */
export interface StateSource {
  withStates<T>(wanted: StatesWanted, use: (states: StatesInView) => Promise<T>): Promise<T>;
}

/** Which state is meant; `live` on a mirror is its last CP. */
export type StateChoice = StatesWanted['at'][number];

/** A state by what it is called, after it was held. */
export type StateName = Pick<VolumeState, 'kind' | 'cp' | 'wallMs' | 'names'>;

export function stateName({ kind, cp, wallMs, names }: VolumeState): StateName {
  return { kind, cp, wallMs, names };
}

/** Above every CP. */
export const cpEnd = 2 ** 48 - 1;

/** Where a state stands among the others: newer ones have higher ranks, and no two the same. */
export function rankOf({ kind, cp }: StateName): number {
  return kind === 'live' ? Infinity : 2 * cp + (kind === 'set-aside' ? 0 : 1);
}

/** The rank that no state older than a CP exceeds. */
export function rankBelow(cp: number): number {
  return 2 * cp - 1;
}

/** The highest rank below that of a state. */
export function rankBehind(state: StateName): number {
  return state.kind === 'live' ? 2 * cpEnd : rankOf(state) - 1;
}

/** The states to ask for to go on at a rank; undefined to begin behind the first that is wanted. */
export function olderFrom(rank: number | undefined): NonNullable<StatesWanted['older']> {
  return { than: rank === undefined ? 'at' : Math.min(Math.floor(rank / 2) + 1, cpEnd), countMax: statesPerStepMax };
}

/** Runs an operation over the trees of some states (see BlockCache.run). */
export function look<T>(states: readonly (VolumeState | undefined)[], operation: () => T): Promise<T> {
  return BlockCache.runOver(new Set(states.flatMap((state) => (state === undefined ? [] : [state.cache]))), operation);
}

/** Whether marks of two states are of one file, given that its number is the same in both. */
export function isSameFile(one: { state: VolumeState; mark: InodeMark }, other: { state: VolumeState; mark: InodeMark }): boolean {
  if (one.mark.generation !== other.mark.generation || one.mark.kind !== other.mark.kind) return false;
  const isOneHistory = (one.state.kind === 'set-aside') === (other.state.kind === 'set-aside');
  return isOneHistory || one.mark.createdNs === other.mark.createdNs;
}

/** Whether a number leads to one file in both states. An operation on trees. */
export function isSameFileIn(one: VolumeState, other: VolumeState, ino: number): boolean {
  const [mark, otherMark] = [markOf(one.files.inodes, ino), markOf(other.files.inodes, ino)];
  return mark !== undefined && otherMark !== undefined && isSameFile({ state: one, mark }, { state: other, mark: otherMark });
}

/** The inode at a path, or undefined where the path does not lead to anything. An operation on trees. */
export function inodeAtPath({ files }: VolumeState, path: string, options: { followLast: boolean }): number | undefined {
  try {
    return files.resolvePath(path, options);
  } catch (thrown) {
    if (isFault(thrown, 'not-found') || isFault(thrown, 'not-a-directory') || isFault(thrown, 'too-many-symbolic-links')) return undefined;
    throw thrown;
  }
}

/** The folder at a path, with links followed. Throws `not-found` and `not-a-directory`. An operation on trees. */
export function requireFolder({ files }: VolumeState, path: string): number {
  const ino = files.resolvePath(path);
  files.readDirectory(ino, undefined, 0);
  return ino;
}

/** The same, or undefined where there is no folder. */
export function folderAtPath(state: VolumeState, path: string): number | undefined {
  const ino = inodeAtPath(state, path, { followLast: true });
  return isDirectory({ inodes: state.files.inodes, ino }) ? ino : undefined;
}

/** Some entries of a folder behind a name; none where it is gone. An operation on trees. */
export function entriesIn({ files }: VolumeState, ino: number, after: string | undefined): DirectoryEntry[] {
  return isDirectory({ inodes: files.inodes, ino }) ? files.readDirectory(ino, after, entriesPerLookMax) : [];
}

/**
 * The states to go through, each with the newer one that it is compared with,
 * newest first, from a rank on. One that was set aside stands beside the others:
 * none is compared with it but what is asked for from it.
 */
export function withNeighbours(states: StatesInView, from: number | undefined): { state: VolumeState; newer: VolumeState }[] {
  const given = states.at[0]!;
  let newer = states.newer === undefined || rankOf(states.newer) >= rankOf(given) ? given : states.newer;
  const pairs: { state: VolumeState; newer: VolumeState }[] = [];
  for (const state of states.older) {
    if (rankOf(state) >= rankOf(given)) continue;
    if (rankOf(state) <= (from ?? Infinity)) pairs.push({ state, newer });
    if (state.kind !== 'set-aside') newer = state;
  }
  return pairs;
}

/** The path of an entry of a folder. */
export function pathIn(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The names on the way from a folder to a path below it; undefined when it does not lie there. */
export function namesBelow(folder: string, path: string): string[] | undefined {
  const start = folder === '/' ? '/' : `${folder}/`;
  if (path === folder) return [];
  return path.startsWith(start) ? path.slice(start.length).split('/') : undefined;
}
