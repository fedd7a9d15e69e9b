import { childOf, differingEntries, type EntryPosition, firstEntry, type InodeMark, isDirectory } from '../files/index.ts';
import { changedInodes, inodeEnd, type StatePair } from './changed-inodes.ts';
import { FolderPaths } from './folder-paths.ts';
import { namesRememberedMax, partsForNamesMax } from './limits.ts';
import { isSameFileIn, look, pathIn } from './states.ts';
import type { StepWork } from './step.ts';

/** A name in a folder of the older state. */
interface FormerPlace {
  readonly folder: number;
  readonly name: string;
}

/**
 * Where files with one name, which have another one now, were before. A file
 * says which folder that was, but one of an older program does not, and then it
 * is looked for in every folder that has changed. What one step finds on the way
 * it remembers, up to a bound; behind that a place may stay unknown.
 */
export class FormerPlaces {
  readonly #pair: StatePair;
  readonly #work: StepWork;
  readonly #paths: FolderPaths;
  /** Entries of folders of the older state that are not where they were, by inode number. */
  readonly #gone = new Map<number, FormerPlace>();
  readonly #read = new Set<number>();
  #hasReadAll = false;

  constructor(pair: StatePair, work: StepWork) {
    this.#pair = pair;
    this.#work = work;
    this.#paths = new FolderPaths(pair.before, work);
  }

  /** The path that an inode had, or undefined where it was not found. `now` is its name, and the folder of the older state beside it. */
  async pathOf(ino: number, before: InodeMark, now: { folder: number | undefined; name: string }): Promise<string | undefined> {
    for (const folder of [before.parent, now.folder]) {
      const place = folder === undefined || folder === 0 ? undefined : await this.#placeIn(folder, ino, now.name);
      if (place !== undefined) return this.#pathTo(place);
    }
    await this.#readAll();
    const place = this.#gone.get(ino);
    return place && this.#pathTo(place);
  }

  async #pathTo({ folder, name }: FormerPlace): Promise<string | undefined> {
    const path = await this.#paths.of(folder);
    return path === undefined ? undefined : pathIn(path, name);
  }

  /** Most of what is moved keeps its name. */
  async #placeIn(folder: number, ino: number, name: string): Promise<FormerPlace | undefined> {
    const { before } = this.#pair;
    const isThere = await look([before], () => childOf({ inodes: before.files.inodes, ino: folder }, name)?.ino === ino);
    if (isThere) return { folder, name };
    await this.#readGone(folder);
    const place = this.#gone.get(ino);
    return place?.folder === folder ? place : undefined;
  }

  /** Remembers the entries of a folder that are not the same in the newer state. */
  async #readGone(folder: number): Promise<void> {
    if (this.#read.has(folder)) return;
    this.#read.add(folder);
    const { before, after } = this.#pair;
    for (let position: EntryPosition | undefined = firstEntry; position !== undefined && this.#gone.size < namesRememberedMax; ) {
      const at: EntryPosition = position;
      const page = await look([before, after], () => {
        const inodes = before.files.inodes;
        if (!isDirectory({ inodes, ino: folder })) return undefined;
        const other = { inodes: after.files.inodes, ino: isSameFileIn(before, after, folder) ? folder : undefined };
        return differingEntries({ inodes, ino: folder }, other, at);
      });
      this.#work.spend((page?.comparedCount ?? 0) + 1);
      for (const { ino, name } of page?.entries ?? []) this.#gone.set(ino, { folder, name });
      position = page?.next;
    }
  }

  async #readAll(): Promise<void> {
    if (this.#hasReadAll) return;
    this.#hasReadAll = true;
    let start = 1;
    for (let part = 0; part < partsForNamesMax && start < inodeEnd; part++) {
      const isWanted = ({ before, isContentSame }: { before: InodeMark | undefined; isContentSame: boolean }): boolean => before?.kind === 'directory' && !isContentSame;
      const { inodes, end } = await changedInodes(this.#pair, { start, isWanted }, this.#work);
      for (const { ino } of inodes) await this.#readGone(ino);
      start = end;
    }
  }
}
