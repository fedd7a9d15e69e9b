import { childOf, type DifferingEntry, differingEntries, type EntryPosition, firstEntry } from '../files/index.ts';
import type { StatesInView, VolumeState } from '../volume/index.ts';
import { type CursorShapes, readCursor, writeCursor } from './cursor.ts';
import { charactersOf, type FoundEntry, foundEntry } from './found-entry.ts';
import { folderAtPath, look, olderFrom, rankBehind, rankBelow, rankOf, requireFolder, type StateChoice, stateName, type StateName, type StateSource, withNeighbours } from './states.ts';
import { type Progress, type StepResult, StepWork, takeStep } from './step.ts';

/** A name that a folder had once and has no more. */
export interface FoundDeleted {
  readonly name: string;
  readonly entry: FoundEntry;
  /** The newest state that has it. */
  readonly last: StateName;
}

/** The rank of the state to go on with, and where in its folder. */
interface DeletedPlace extends EntryPosition {
  readonly rank: number;
}

const shapes: CursorShapes<'d'> = { d: 3 };

function placeOf(text: string): DeletedPlace {
  const [rank = 0, block = 0, slot = 0] = readCursor(text, shapes).numbers;
  return { rank, block, slot };
}

function textOf({ rank, block, slot }: DeletedPlace): string {
  return writeCursor({ kind: 'd', numbers: [rank, block, slot], path: '/' });
}

/**
 * Names that older states of a folder, by its path, had and the given one has
 * not, each with the newest state that had it. A name that came and went is told
 * once in a step, and may be told again by a later one. A state whose folder is
 * the same as in the next newer one costs the way to the folder. Throws
 * `not-found`, `not-a-directory`, and `argument-invalid` for a strange `after`.
 */
export function exploreDeleted(
  source: StateSource,
  request: { at: StateChoice; path: string; after?: string | undefined; limit: number },
  work = new StepWork(),
): Promise<StepResult<FoundDeleted>> {
  const { at, path, after, limit } = request;
  const from = after === undefined ? undefined : placeOf(after);
  return source.withStates({ at: [at], older: olderFrom(from?.rank) }, (states) =>
    takeStep(new DeletedWalk(states, path, work).run(from), work, limit),
  );
}

class DeletedWalk {
  readonly #states: StatesInView;
  readonly #given: VolumeState;
  readonly #path: string;
  readonly #work: StepWork;
  readonly #told = new Set<string>();

  constructor(states: StatesInView, path: string, work: StepWork) {
    this.#states = states;
    this.#given = states.at[0]!;
    this.#path = path;
    this.#work = work;
  }

  async *run(from: DeletedPlace | undefined): AsyncGenerator<Progress<FoundDeleted>> {
    await look([this.#given], () => requireFolder(this.#given, this.#path));
    for (const { state, newer } of withNeighbours(this.#states, from?.rank)) {
      const rank = rankOf(state);
      yield* this.#state(state, newer, rank === from?.rank ? from : firstEntry);
      yield { next: () => textOf({ rank: rankBehind(state), ...firstEntry }) };
    }
    const { nextCp } = this.#states;
    if (nextCp !== undefined) yield { next: () => textOf({ rank: rankBelow(nextCp), ...firstEntry }), endsStep: true };
  }

  async *#state(state: VolumeState, newer: VolumeState, from: EntryPosition): AsyncGenerator<Progress<FoundDeleted>> {
    const rank = rankOf(state);
    for (let position: EntryPosition | undefined = from; position !== undefined; ) {
      const at: EntryPosition = position;
      const page = await look([state, newer], () => {
        const own = { inodes: state.files.inodes, ino: folderAtPath(state, this.#path) };
        return differingEntries(own, { inodes: newer.files.inodes, ino: folderAtPath(newer, this.#path) }, at);
      });
      this.#work.spend(page.comparedCount + 1);
      for (const entry of page.entries) {
        const value = await this.#judge(state, entry);
        if (value === undefined) continue;
        this.#told.add(entry.name);
        yield { found: { value, characters: entry.name.length + charactersOf(value.entry) }, next: () => textOf({ rank, ...entry.next }) };
      }
      position = page.next;
      if (position !== undefined) yield { next: () => textOf({ rank, ...page.next! }) };
    }
  }

  /** What is told of an entry that the next newer state has otherwise; undefined for one that is there, or was told. */
  async #judge(state: VolumeState, { name, ino, other }: DifferingEntry): Promise<FoundDeleted | undefined> {
    if (other !== undefined || this.#told.has(name)) return undefined;
    return look([state, this.#given], () => {
      const folder = { inodes: this.#given.files.inodes, ino: folderAtPath(this.#given, this.#path) };
      if (childOf(folder, name) !== undefined) return undefined;
      return { name, entry: foundEntry(state.files, ino), last: stateName(state) };
    });
  }
}
