import { childOf, type DirectoryEntry, firstEntry, markOf } from '../files/index.ts';
import type { StatesInView, VolumeState } from '../volume/index.ts';
import { type BelowPlace, type BelowWalkOptions, walkBelow } from './below-walk.ts';
import { changedInodes, inodeEnd } from './changed-inodes.ts';
import { type FolderStep, FolderWalk, type WalkedFolder } from './folder-walk.ts';
import { charactersOf, type FoundEntry, foundEntry } from './found-entry.ts';
import { matcherOf } from './matching.ts';
import { type ChangesPlace, type SearchPlace, searchPlaceOf, searchTextOf } from './search-place.ts';
import {
  folderAtPath,
  isSameFileIn,
  look,
  namesBelow,
  olderFrom,
  pathIn,
  rankBehind,
  rankBelow,
  rankOf,
  requireFolder,
  type StateChoice,
  stateName,
  type StateName,
  type StateSource,
  withNeighbours,
} from './states.ts';
import { type Progress, type StepResult, StepWork, takeStep } from './step.ts';
import { wantedChildren } from './wanted-children.ts';

/** An entry whose name was looked for. */
export interface FoundMatch {
  readonly path: string;
  readonly name: string;
  readonly entry: FoundEntry;
  readonly state: StateName;
}

export interface SearchRequest {
  readonly at: StateChoice;
  /** The folder that is searched. */
  readonly path: string;
  readonly text: string;
  /** Older states as well. */
  readonly isOverAll: boolean;
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * Entries below a folder that have a text in their names. Over all states, a
 * path of the given one is found there alone; one that it has not is found in
 * the newest of the states in a row that have it. Of an older state only what
 * the next newer one has not under the same path is looked at, and folders in
 * which nothing has changed are passed by. Throws `not-found`,
 * `not-a-directory`, and `argument-invalid` for a strange `after`.
 */
export function exploreSearch(
  source: StateSource,
  request: SearchRequest,
  work = new StepWork(),
): Promise<StepResult<FoundMatch> & { state: StateName }> {
  const from = request.after === undefined ? undefined : searchPlaceOf(request.after, request.path);
  const rank = from === undefined || from.in === 'given' ? undefined : from.rank;
  const older = request.isOverAll ? { older: olderFrom(rank) } : {};
  return source.withStates({ at: [request.at], ...older }, async (states) => {
    const search = new Search(states, request, work);
    const result = await takeStep(search.run(from), work, request.limit);
    return { ...result, state: stateName(search.current) };
  });
}

/** An older state beside the next newer one. */
interface Neighbours {
  readonly state: VolumeState;
  readonly newer: VolumeState;
}

class Search {
  /** The state that is looked through. */
  current: VolumeState;
  readonly #states: StatesInView;
  readonly #given: VolumeState;
  readonly #request: SearchRequest;
  readonly #work: StepWork;
  readonly #isMatch: (name: string) => boolean;
  readonly #told = new Set<string>();
  #givenFolder = 0;

  constructor(states: StatesInView, request: SearchRequest, work: StepWork) {
    this.#states = states;
    this.#given = states.at[0]!;
    this.current = this.#given;
    this.#request = request;
    this.#work = work;
    this.#isMatch = matcherOf(request.text);
  }

  async *run(from: SearchPlace | undefined): AsyncGenerator<Progress<FoundMatch>> {
    const { path, isOverAll } = this.#request;
    this.#givenFolder = await look([this.#given], () => requireFolder(this.#given, path));
    if (from === undefined || from.in === 'given') {
      const top = { path, ino: this.#givenFolder };
      yield* this.#below({ state: this.#given, top, from: from?.below }, (below) => ({ in: 'given', below }));
      if (isOverAll) yield this.#at({ in: 'state', rank: rankBehind(this.#given) });
    }
    const goOn = from === undefined || from.in === 'given' ? undefined : from;
    for (const neighbours of withNeighbours(this.#states, goOn?.rank)) {
      this.current = neighbours.state;
      const isResumed = goOn !== undefined && goOn.rank === rankOf(neighbours.state);
      yield* this.#older(neighbours, isResumed ? goOn : undefined);
      yield this.#at({ in: 'state', rank: rankBehind(neighbours.state) });
    }
    const { nextCp } = this.#states;
    if (nextCp !== undefined) yield { ...this.#at({ in: 'state', rank: rankBelow(nextCp) }), endsStep: true };
  }

  async *#older({ state, newer }: Neighbours, from: SearchPlace | undefined): AsyncGenerator<Progress<FoundMatch>> {
    const { path } = this.#request;
    const rank = rankOf(state);
    const { own, other, isSame } = await look([state, newer], () => {
      const folders = { own: folderAtPath(state, path), other: folderAtPath(newer, path) };
      return { ...folders, isSame: folders.own !== undefined && folders.own === folders.other && isSameFileIn(state, newer, folders.own) };
    });
    if (own === undefined) return;
    if (isSame) {
      yield* this.#changes({ state, newer }, own, from?.in === 'changes' ? from : { start: 1, end: 0, folder: { path, entries: firstEntry } });
      return;
    }
    const top = { path, ino: own, other };
    yield* this.#below({ state, other: newer, top, from: from?.in === 'top' ? from.below : undefined }, (below) => ({ in: 'top', rank, below }));
  }

  /** The folder is the same one in both states: what has changed below it is found by inode numbers, some at a time. */
  async *#changes(neighbours: Neighbours, folder: number, from: ChangesPlace): AsyncGenerator<Progress<FoundMatch>> {
    const { path } = this.#request;
    const { state, newer } = neighbours;
    for (let part = from; ; ) {
      const range = await changedInodes(
        { before: state, after: newer },
        { start: part.start, end: part.end === 0 ? undefined : part.end, isWanted: ({ before, isContentSame }) => before?.kind === 'directory' && !isContentSame },
        this.#work,
      );
      if (range.inodes.length > 0) {
        const compared = new Set(range.inodes.map(({ ino }) => ino));
        const sought = range.inodes.filter(({ ino }) => ino !== folder).map(({ ino, before }) => ({ ino, parent: before!.parent }));
        const wanted = await wantedChildren(state, folder, sought);
        const walk = new FolderWalk({
          own: state,
          other: newer,
          top: { path, ino: folder, other: folder },
          from: part.folder,
          work: this.#work,
          isCompared: (ino) => compared.has(ino),
          ...wanted,
          enter: (above, child) => this.#enter(neighbours, above, child),
        });
        yield* this.#changed(neighbours, walk, { ...part, end: range.end });
      }
      if (range.end === inodeEnd) return;
      part = { start: range.end, end: 0, folder: { path, entries: firstEntry } };
      yield this.#at({ in: 'changes', rank: rankOf(state), ...part });
    }
  }

  async *#changed(neighbours: Neighbours, walk: FolderWalk, part: ChangesPlace): AsyncGenerator<Progress<FoundMatch>> {
    const rank = rankOf(neighbours.state);
    const { start, end, folder, below } = part;
    const whole = (top: WalkedFolder, at: ChangesPlace['folder'], from?: BelowPlace): AsyncGenerator<Progress<FoundMatch>> =>
      this.#below({ state: neighbours.state, other: neighbours.newer, top, from }, (place) => ({ in: 'changes', rank, start, end, folder: at, below: place }));
    if (below !== undefined) {
      const top = await this.#resumedTop(neighbours, folder, below);
      if (top !== undefined) yield* whole(top, folder, below);
    }
    for await (const step of walk.run()) {
      const { place } = step;
      const top = step.kind === 'progress' ? undefined : await this.#wholeFolder(neighbours, step);
      if (step.kind === 'entry' && step.entry.other === undefined) {
        const value = await this.#judge(neighbours.state, step.folder.path, step.entry);
        const behind: ChangesPlace = { start, end, folder: place, ...(top !== undefined && { below: { path: top.path, name: undefined } }) };
        if (value !== undefined) yield this.#at({ in: 'changes', rank, ...behind }, value);
      }
      if (top !== undefined) yield* whole(top, place);
      yield this.#at({ in: 'changes', rank, start, end, folder: place });
    }
  }

  /** A folder that the next newer state has not at its path, or another one: all that is in it is looked through. */
  async #wholeFolder({ state, newer }: Neighbours, step: Exclude<FolderStep, { kind: 'progress' }>): Promise<WalkedFolder | undefined> {
    const { folder, entry } = step;
    if (entry.kind !== 'directory') return undefined;
    const path = pathIn(folder.path, entry.name);
    if (step.kind === 'entry') return { path, ino: entry.ino, other: step.entry.other?.ino };
    return look([state, newer], () => {
      const other = childOf({ inodes: newer.files.inodes, ino: folder.other }, entry.name);
      // Whatever else differs was met as an entry; here the number has come to be another folder's.
      const isReused = other?.ino === entry.ino && other.kind === 'directory' && !isSameFileIn(state, newer, entry.ino);
      return isReused ? { path, ino: entry.ino, other: other.ino } : undefined;
    });
  }

  /** The folder that was being looked through whole. */
  #resumedTop({ state, newer }: Neighbours, folder: ChangesPlace['folder'], below: BelowPlace): Promise<WalkedFolder | undefined> {
    const [name] = namesBelow(folder.path, below.path) ?? [];
    if (name === undefined) return Promise.resolve(undefined);
    const path = pathIn(folder.path, name);
    return look([state, newer], () => {
      const ino = this.#inodeBelow(state, path);
      return ino === undefined ? undefined : { path, ino, other: this.#inodeBelow(newer, path) };
    });
  }

  /** A folder is entered where the next newer state has it, too, at the same path. An operation on trees. */
  #enter({ state, newer }: Neighbours, folder: WalkedFolder, child: DirectoryEntry): { other: number } | undefined {
    const other = childOf({ inodes: newer.files.inodes, ino: folder.other }, child.name);
    return other?.ino === child.ino && isSameFileIn(state, newer, child.ino) ? { other: child.ino } : undefined;
  }

  /** Looks through everything below a folder that the other state, where there is one, has not at the same path. */
  async *#below(options: Omit<BelowWalkOptions, 'work'>, placeOf: (below: BelowPlace) => SearchPlace): AsyncGenerator<Progress<FoundMatch>> {
    for await (const { entry, place } of walkBelow({ ...options, work: this.#work })) {
      const value = entry === undefined || entry.other !== undefined ? undefined : await this.#judge(options.state, entry.folder, entry);
      yield this.#at(placeOf(place), value);
    }
  }

  /** What is told of an entry; nothing where the name does not match, or the path is there in the given state. */
  async #judge(state: VolumeState, folder: string, { name, ino }: DirectoryEntry): Promise<FoundMatch | undefined> {
    if (!this.#isMatch(name)) return undefined;
    const path = pathIn(folder, name);
    if (this.#told.has(path)) return undefined;
    const found = await look([state, this.#given], () => {
      if (state !== this.#given && this.#inodeBelow(this.#given, path) !== undefined) return undefined;
      if (markOf(state.files.inodes, ino) === undefined) return undefined;
      return { path, name, entry: foundEntry(state.files, ino), state: stateName(state) };
    });
    if (found !== undefined) this.#told.add(path);
    return found;
  }

  /** What a state has at a path below the folder that is searched. An operation on trees. */
  #inodeBelow(state: VolumeState, path: string): number | undefined {
    let ino = state === this.#given ? this.#givenFolder : folderAtPath(state, this.#request.path);
    for (const name of namesBelow(this.#request.path, path) ?? []) ino = childOf({ inodes: state.files.inodes, ino }, name)?.ino;
    return ino;
  }

  #at(place: SearchPlace, value?: FoundMatch): Progress<FoundMatch> {
    const next = (): string => searchTextOf(place, this.#request.path);
    if (value === undefined) return { next };
    return { next, found: { value, characters: value.path.length + charactersOf(value.entry) } };
  }
}
