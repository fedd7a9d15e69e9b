import { childOf, type DifferingEntry, differingEntries, type DirectoryEntry, type EntryPosition, firstEntry } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { entriesPerLookMax, pathCharactersMax } from './limits.ts';
import { entriesIn, look, namesBelow, pathIn } from './states.ts';
import type { StepWork } from './step.ts';

/** Where a walk goes on in a folder: at the entries that differ, or behind a child. */
export type FolderPlace = { readonly path: string } & ({ readonly entries: EntryPosition } | { readonly after: string | undefined });

/** A folder of one state, beside the one that it is compared with. */
export interface WalkedFolder {
  readonly path: string;
  readonly ino: number;
  /** Of the other state. */
  readonly other: number | undefined;
}

/** What the walk has met: an entry that the other folder has otherwise, or a child that was wanted; and the place behind it. */
export type FolderStep =
  | { readonly kind: 'entry'; readonly folder: WalkedFolder; readonly entry: DifferingEntry; readonly place: FolderPlace }
  | { readonly kind: 'child'; readonly folder: WalkedFolder; readonly entry: DirectoryEntry; readonly place: FolderPlace }
  | { readonly kind: 'progress'; readonly place: FolderPlace };

export interface FolderWalkOptions {
  readonly own: VolumeState;
  readonly other: VolumeState;
  readonly top: WalkedFolder;
  readonly from: FolderPlace;
  readonly work: StepWork;
  /** Whether the entries of a folder are compared. */
  readonly isCompared: (folder: number) => boolean;
  /** Which children of a folder are met, and entered when they are folders. */
  readonly isWanted: (folder: number, child: DirectoryEntry) => boolean;
  /** How many of a folder's children are; Infinity where that is not known. */
  readonly wantedCount: (folder: number) => number;
  /**
   * With which folder of the other state a child is compared, and whether it is
   * entered at all. An operation on trees.
   */
  readonly enter: (folder: WalkedFolder, child: DirectoryEntry) => { readonly other: number | undefined } | undefined;
}

interface Frame extends WalkedFolder {
  /** Undefined when all of its entries have been compared. */
  entries: EntryPosition | undefined;
  after: string | undefined;
  /** Up to where its entries were read; those that are wanted and not met yet are waiting. */
  readTo: string | undefined;
  readonly waiting: DirectoryEntry[];
  metCount: number;
  /** A walk that goes on behind a child does not know how many it met before. */
  isResumed: boolean;
  isRead: boolean;
}

/**
 * Walks down to the folders that are wanted, from a folder on, depth first: in
 * each it first meets the entries that the other state's folder has not or has
 * otherwise, then the children that are wanted. Of a folder without wanted
 * children, nothing is read but what differs.
 */
export class FolderWalk {
  readonly #options: FolderWalkOptions;

  constructor(options: FolderWalkOptions) {
    this.#options = options;
  }

  async *run(): AsyncGenerator<FolderStep> {
    const stack = await this.#resume();
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      if (frame.entries !== undefined) yield* this.#compare(frame, frame.entries);
      const child = frame.waiting.shift();
      this.#options.work.spend(1);
      if (child !== undefined) {
        frame.after = child.name;
        frame.metCount++;
        const below = await this.#enter(frame, child);
        yield { kind: 'child', folder: frame, entry: child, place: below === undefined ? behind(frame) : inside(below) };
        if (below !== undefined) stack.push(below);
      } else if (frame.isRead || this.#hasMetAll(frame)) {
        stack.pop();
        const above = stack.at(-1);
        if (above !== undefined) yield { kind: 'progress', place: behind(above) };
      } else {
        if (frame.after !== frame.readTo) {
          frame.after = frame.readTo;
          yield { kind: 'progress', place: behind(frame) };
        }
        await this.#readMore(frame);
      }
    }
  }

  async *#compare(frame: Frame, from: EntryPosition): AsyncGenerator<FolderStep> {
    const { own, other, work, isCompared } = this.#options;
    for (let position: EntryPosition | undefined = isCompared(frame.ino) ? from : undefined; position !== undefined; ) {
      const at: EntryPosition = position;
      const page = await look([own, other], () => differingEntries({ inodes: own.files.inodes, ino: frame.ino }, { inodes: other.files.inodes, ino: frame.other }, at));
      work.spend(page.comparedCount + 1);
      for (const entry of page.entries) yield { kind: 'entry', folder: frame, entry, place: { path: frame.path, entries: entry.next } };
      position = page.next;
      if (position !== undefined) yield { kind: 'progress', place: { path: frame.path, entries: position } };
    }
    frame.entries = undefined;
  }

  async #enter(folder: WalkedFolder, child: DirectoryEntry): Promise<Frame | undefined> {
    const { own, other, enter } = this.#options;
    const path = pathIn(folder.path, child.name);
    if (child.kind !== 'directory' || path.length > pathCharactersMax) return undefined;
    const entered = await look([own, other], () => enter(folder, child));
    return entered && frameOf({ path, ino: child.ino, other: entered.other });
  }

  #hasMetAll(frame: Frame): boolean {
    const count = this.#options.wantedCount(frame.ino);
    return count === 0 || (!frame.isResumed && frame.metCount >= count);
  }

  async #readMore(frame: Frame): Promise<void> {
    const { own, isWanted, work } = this.#options;
    const page = await look([own], () => entriesIn(own, frame.ino, frame.readTo));
    work.spend(page.length);
    frame.isRead = page.length < entriesPerLookMax;
    frame.readTo = page.at(-1)?.name ?? frame.readTo;
    frame.waiting.push(...page.filter((entry) => isWanted(frame.ino, entry)));
  }

  /** The folders on the way to the place, as far as they are there. */
  async #resume(): Promise<Frame[]> {
    const { own, other, top, from, enter } = this.#options;
    const stack = [frameOf(top)];
    for (const name of namesBelow(top.path, from.path) ?? []) {
      const frame = stack.at(-1)!;
      Object.assign(frame, { after: name, readTo: name, entries: undefined, isResumed: true });
      const below = await look([own, other], () => {
        const entry = childOf({ inodes: own.files.inodes, ino: frame.ino }, name);
        if (entry?.kind !== 'directory') return undefined;
        const entered = enter(frame, { name, ...entry });
        return entered && { path: pathIn(frame.path, name), ino: entry.ino, other: entered.other };
      });
      if (below === undefined) return stack;
      stack.push(frameOf(below));
    }
    const last = stack.at(-1)!;
    if ('entries' in from) last.entries = from.entries;
    else Object.assign(last, { after: from.after, readTo: from.after, entries: undefined, isResumed: from.after !== undefined });
    return stack;
  }
}

function frameOf({ path, ino, other }: WalkedFolder): Frame {
  return { path, ino, other, entries: firstEntry, after: undefined, readTo: undefined, waiting: [], metCount: 0, isResumed: false, isRead: false };
}

function behind({ path, after }: Frame): FolderPlace {
  return { path, after };
}

function inside({ path }: Frame): FolderPlace {
  return { path, entries: firstEntry };
}
