import { childOf, type DifferingEntry, type DirectoryEntry, markOf, rootDirectoryInode } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { changedInodes, inodeEnd, type StatePair } from './changed-inodes.ts';
import { type ChangedPart, hasOneName, isOfInterest, looksSame, partOf } from './changed-part.ts';
import { type DifferencePlace, differencePlaceOf, differenceTextOf, topOfAll } from './difference-place.ts';
import { FolderWalk, type FolderWalkOptions, type WalkedFolder } from './folder-walk.ts';
import { FormerPlaces } from './former-places.ts';
import { charactersOf, type FoundEntry, foundEntry } from './found-entry.ts';
import { entriesIn, isSameFileIn, look, pathIn, type StateChoice, type StateSource } from './states.ts';
import { type Progress, type StepResult, StepWork, takeStep } from './step.ts';
import { wantedChildren } from './wanted-children.ts';

/** What is not the same in two states. */
export interface FoundDifference {
  readonly what: 'added' | 'changed' | 'removed' | 'renamed';
  /** In the newer state; of what was removed, in the older one. */
  readonly path: string;
  /** Where something renamed was, as far as that was found. */
  readonly from?: string | undefined;
  readonly before?: FoundEntry | undefined;
  readonly after?: FoundEntry | undefined;
}

/** Where a part begins. */
const partStart = { stage: 'root', end: 0, metCount: 0, folder: topOfAll } as const;

/**
 * What differs between two states of a volume. The inode files are gone through
 * side by side for what has changed, a part at a time; the changed inodes say in
 * which folders they lie, and only those and the folders above them are walked:
 * first as they are in the newer state, for what is new, changed or renamed, and
 * then as they were in the older one, for what is gone.
 *
 * What took the place of something that is gone, under its name, is a change of
 * that path; so a folder that was removed and made again is compared with the
 * former one. A folder is changed itself only by its mode and owner. A file with
 * several names is not said to be renamed: names of it come and go.
 *
 * Throws `argument-invalid` for a strange `after`, and `snapshot-not-found`.
 */
export function exploreDifferences(
  source: StateSource,
  request: { older: StateChoice; newer: StateChoice; after?: string | undefined; limit: number },
  work = new StepWork(),
): Promise<StepResult<FoundDifference>> {
  const { older, newer, after, limit } = request;
  const from = after === undefined ? { ...partStart, start: 1 } : differencePlaceOf(after);
  return source.withStates({ at: [older, newer] }, async (states) => {
    const pair = { before: states.at[0]!, after: states.at[1]! };
    // The live state beside itself; what waits in it is compared with nothing.
    if (pair.before.files === pair.after.files) return { found: [] };
    return takeStep(new Differences(pair, work).run(from), work, limit);
  });
}

class Differences {
  readonly #pair: StatePair;
  readonly #work: StepWork;
  readonly #former: FormerPlaces;

  constructor(pair: StatePair, work: StepWork) {
    this.#pair = pair;
    this.#work = work;
    this.#former = new FormerPlaces(pair, work);
  }

  async *run(from: DifferencePlace): AsyncGenerator<Progress<FoundDifference>> {
    for (let place = from; ; ) {
      const { start, end } = place;
      const range = await changedInodes(this.#pair, { start, end: end === 0 ? undefined : end, isWanted: isOfInterest }, this.#work);
      if (range.inodes.length > 0) yield* this.#part(partOf(range.inodes), { ...place, end: range.end });
      if (range.end === inodeEnd) return;
      place = { ...partStart, start: range.end };
      yield at(place);
    }
  }

  async *#part(part: ChangedPart, from: DifferencePlace): AsyncGenerator<Progress<FoundDifference>> {
    let place = from;
    if (place.stage === 'root') {
      place = { ...place, stage: 'newer', folder: topOfAll };
      if (part.isRootChanged) yield at(place, await this.#described({ what: 'changed', path: '/' }, rootDirectoryInode, rootDirectoryInode));
    }
    if (place.stage === 'newer') {
      const metCount = yield* this.#newer(part, place);
      place = { ...place, stage: metCount < part.files.size ? 'lost' : 'older', metCount, folder: topOfAll };
      yield at(place);
    }
    if (place.stage === 'lost') {
      yield* this.#lost(part, place);
      place = { ...place, stage: 'older', folder: topOfAll };
      yield at(place);
    }
    yield* this.#older(part, place);
  }

  /** Returns how many of the changed files were found where they say they are. */
  async *#newer(part: ChangedPart, place: DifferencePlace): AsyncGenerator<Progress<FoundDifference>, number> {
    const { before, after } = this.#pair;
    let { metCount } = place;
    const walk = this.#walk(after, before, {
      from: place.folder,
      isCompared: (folder) => part.newFolders.has(folder),
      ...(await wantedChildren(after, rootDirectoryInode, part.soughtInNewer)),
    });
    for await (const step of walk.run()) {
      let found: FoundDifference | undefined;
      if (step.kind === 'entry') found = await this.#comeIn(step.folder, step.entry);
      const changed = step.kind === 'child' ? part.files.get(step.entry.ino)?.after : undefined;
      if (step.kind === 'child' && changed !== undefined) {
        found = await this.#stayed(step.folder, step.entry);
        if (hasOneName(changed) || (await this.#isFirstOfTold(step.folder, step.entry))) metCount++;
      }
      yield at({ ...place, metCount, folder: step.place }, found);
    }
    return metCount;
  }

  /** Looks through all folders for changed files that are not where they say. */
  async *#lost(part: ChangedPart, place: DifferencePlace): AsyncGenerator<Progress<FoundDifference>> {
    const { before, after } = this.#pair;
    const walk = this.#walk(after, before, {
      from: place.folder,
      isCompared: () => false,
      isWanted: (_, { kind, ino }) => kind === 'directory' || part.files.has(ino),
      wantedCount: () => Infinity,
    });
    for await (const step of walk.run()) {
      const parent = step.kind === 'child' ? part.files.get(step.entry.ino)?.after?.parent : undefined;
      const isLost = step.kind === 'child' && parent !== undefined && parent !== step.folder.ino;
      yield at({ ...place, folder: step.place }, isLost ? await this.#stayed(step.folder, step.entry) : undefined);
    }
  }

  async *#older(part: ChangedPart, place: DifferencePlace): AsyncGenerator<Progress<FoundDifference>> {
    const { before, after } = this.#pair;
    const walk = this.#walk(before, after, {
      from: place.folder,
      isCompared: (folder) => part.oldFolders.has(folder),
      ...(await wantedChildren(before, rootDirectoryInode, part.soughtInOlder)),
    });
    for await (const step of walk.run()) {
      yield at({ ...place, folder: step.place }, step.kind === 'entry' ? await this.#gone(step.folder, step.entry) : undefined);
    }
  }

  #walk(own: VolumeState, other: VolumeState, options: Pick<FolderWalkOptions, 'from' | 'isCompared' | 'isWanted' | 'wantedCount'>): FolderWalk {
    const top = { path: '/', ino: rootDirectoryInode, other: rootDirectoryInode };
    return new FolderWalk({ ...options, own, other, top, work: this.#work, enter: (folder, child) => counterpart(own, other, folder, child) });
  }

  /** A name of the newer state that the former folder had not, or for something else. */
  async #comeIn(folder: WalkedFolder, entry: DifferingEntry): Promise<FoundDifference | undefined> {
    const { before, after } = this.#pair;
    const { ino, name, other } = entry;
    const path = pathIn(folder.path, name);
    const marks = await look([before, after], () => {
      const replaced = other !== undefined && !isSameFileIn(before, after, other.ino) ? markOf(before.files.inodes, other.ino) : undefined;
      return { now: markOf(after.files.inodes, ino), was: isSameFileIn(before, after, ino) ? markOf(before.files.inodes, ino) : undefined, replaced };
    });
    const { now, was, replaced } = marks;
    if (now === undefined) return undefined;
    if (was !== undefined) {
      if (!hasOneName(now) || !hasOneName(was)) return this.#described({ what: 'added', path }, undefined, ino);
      const from = await this.#former.pathOf(ino, was, { folder: folder.other, name });
      if (from !== path) return this.#described({ what: 'renamed', path, ...(from !== undefined && { from }) }, ino, ino);
      return looksSame(was, now) ? undefined : this.#described({ what: 'changed', path }, ino, ino);
    }
    if (replaced?.kind !== now.kind) return this.#described({ what: 'added', path }, undefined, ino);
    return looksSame(replaced, now) ? undefined : this.#described({ what: 'changed', path }, other!.ino, ino);
  }

  /** A file that has changed; where its name is new, that was told with the names. */
  async #stayed(folder: WalkedFolder, { ino, name }: DirectoryEntry): Promise<FoundDifference | undefined> {
    const { before } = this.#pair;
    const former = await look([before], () => childOf({ inodes: before.files.inodes, ino: folder.other }, name));
    return former?.ino === ino ? this.#described({ what: 'changed', path: pathIn(folder.path, name) }, ino, ino) : undefined;
  }

  /** Whether a file with several names has this one as the first in the folder, and one of those there is told as changed. */
  async #isFirstOfTold(folder: WalkedFolder, { ino, name }: DirectoryEntry): Promise<boolean> {
    const { after } = this.#pair;
    const names: string[] = [];
    for (let last: string | undefined; ; ) {
      const behind = last;
      const page = await look([after], () => entriesIn(after, folder.ino, behind));
      this.#work.spend(page.length);
      names.push(...page.filter((entry) => entry.ino === ino).map((entry) => entry.name));
      if (names.length > 0 && names[0] !== name) return false;
      last = page.at(-1)?.name;
      if (last === undefined) break;
    }
    for (const one of names) if ((await this.#stayed(folder, { name: one, ino, kind: 'file' })) !== undefined) return true;
    return false;
  }

  /** A name of the older state that the folder has no more, or for something else. */
  async #gone(folder: WalkedFolder, entry: DifferingEntry): Promise<FoundDifference | undefined> {
    const { before, after } = this.#pair;
    const { ino, name, other } = entry;
    const isTold = await look([before, after], () => {
      const was = markOf(before.files.inodes, ino);
      if (was === undefined) return true;
      if (isSameFileIn(before, after, ino)) return hasOneName(was) && hasOneName(markOf(after.files.inodes, ino)!);
      const replacing = other !== undefined && !isSameFileIn(before, after, other.ino) ? markOf(after.files.inodes, other.ino) : undefined;
      return replacing?.kind === was.kind;
    });
    return isTold ? undefined : this.#described({ what: 'removed', path: pathIn(folder.path, name) }, ino, undefined);
  }

  /** Adds what is told of the inode on either side; undefined where the live state has lost it meanwhile. */
  #described(difference: Pick<FoundDifference, 'what' | 'path' | 'from'>, ino: number | undefined, inoAfter: number | undefined): Promise<FoundDifference | undefined> {
    const { before, after } = this.#pair;
    return look([before, after], () => {
      const was = ino === undefined ? undefined : entryIn(before, ino);
      const now = inoAfter === undefined ? undefined : entryIn(after, inoAfter);
      const isWhole = (was === undefined) === (ino === undefined) && (now === undefined) === (inoAfter === undefined);
      return isWhole ? { ...difference, before: was, after: now } : undefined;
    });
  }
}

function entryIn({ files }: VolumeState, ino: number): FoundEntry | undefined {
  return markOf(files.inodes, ino) === undefined ? undefined : foundEntry(files, ino);
}

/**
 * The folder of the other state that a child is compared with: the same one
 * wherever it was, or the one whose name it has taken. An operation on trees.
 */
function counterpart(own: VolumeState, other: VolumeState, folder: WalkedFolder, { ino, name }: DirectoryEntry): { other: number | undefined } {
  if (isSameFileIn(own, other, ino)) return { other: ino };
  const found = childOf({ inodes: other.files.inodes, ino: folder.other }, name);
  return { other: found?.kind === 'directory' && !isSameFileIn(own, other, found.ino) ? found.ino : undefined };
}

function at(place: DifferencePlace, value?: FoundDifference): Progress<FoundDifference> {
  const next = (): string => differenceTextOf(place);
  if (value === undefined) return { next };
  const characters = value.path.length + (value.from?.length ?? 0) + charactersOf(value.before) + charactersOf(value.after);
  return { next, found: { value, characters } };
}
