import { type InodeMark, isSameAccess, isSameContent, markOf } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { charactersOf, type FoundEntry, foundEntry } from './found-entry.ts';
import { statesPerStepMax } from './limits.ts';
import { cpEnd, inodeAtPath, look, stateName, type StateName, type StateSource } from './states.ts';
import { StepWork } from './step.ts';

/** What a path was in states that follow each other. */
export interface FoundVersion {
  /** Left out where there was nothing. */
  readonly entry?: FoundEntry;
  readonly newest: StateName;
  readonly oldest: StateName;
  readonly stateCount: number;
  /** It is what the state before them, the last one of the step before, had as well. */
  readonly isContinued: boolean;
}

interface Version {
  readonly file: { readonly ino: number; readonly mark: InodeMark; readonly entry: FoundEntry } | undefined;
  readonly newest: StateName;
  oldest: StateName;
  stateCount: number;
  readonly isContinued: boolean;
}

/**
 * What a path was, the newest state first. `before` goes on with the states
 * older than that CP. Resolves to the versions that were found and the CP to go
 * on from, if there are more states.
 */
export function exploreVersions(
  source: StateSource,
  request: { path: string; before?: number | undefined; limit: number },
): Promise<{ versions: FoundVersion[]; next: number | undefined }> {
  const { path, before, limit } = request;
  return source.withStates({ at: [], older: { than: before === undefined ? 'all' : Math.min(before, cpEnd), countMax: statesPerStepMax } }, async ({ older, newer, nextCp }) => {
    const work = new StepWork();
    const versions: Version[] = [];
    let last = newer && { file: await fileAt(newer, path), version: undefined as Version | undefined };
    for (const [index, state] of older.entries()) {
      const file = await fileAt(state, path);
      const name = stateName(state);
      if (last !== undefined && isSameVersion(last.file, file)) {
        last.version ??= begin(versions, { file, newest: name, oldest: name, stateCount: 0, isContinued: true });
        last.version.oldest = name;
        last.version.stateCount++;
      } else {
        last = { file, version: begin(versions, { file, newest: name, oldest: name, stateCount: 1, isContinued: false }) };
        work.answer(charactersOf(file?.entry));
      }
      // States of one CP, of which one was set aside, belong to one step.
      const next = older[index + 1];
      const isFull = versions.length >= limit || work.isOver;
      if (isFull && next !== undefined && next.cp !== state.cp) return { versions: versions.map(foundVersion), next: state.kind === 'live' ? cpEnd : state.cp };
    }
    return { versions: versions.map(foundVersion), next: nextCp };
  });
}

function begin(versions: Version[], version: Version): Version {
  versions.push(version);
  return version;
}

function foundVersion({ file, ...rest }: Version): FoundVersion {
  return file === undefined ? rest : { ...rest, entry: file.entry };
}

function fileAt(state: VolumeState, path: string): Promise<Version['file']> {
  return look([state], () => {
    const ino = inodeAtPath(state, path, { followLast: false });
    const mark = ino === undefined ? undefined : markOf(state.files.inodes, ino);
    return ino === undefined || mark === undefined ? undefined : { ino, mark, entry: foundEntry(state.files, ino) };
  });
}

function isSameVersion(one: Version['file'], other: Version['file']): boolean {
  if (one === undefined || other === undefined) return one === other;
  const [a, b] = [one.mark, other.mark];
  const isSameInode = one.ino === other.ino && a.generation === b.generation && a.kind === b.kind;
  return isSameInode && a.sizeBytes === b.sizeBytes && a.modifiedNs === b.modifiedNs && isSameAccess(a, b) && isSameContent(a, b);
}
