import type { ListedEntry } from '../contract/index.ts';
import type { PlannedEntry } from '../restore/index.ts';
import type { ExtendedAttribute } from './readable-root.ts';
import type { Part } from './sparse.ts';

/** A name in a folder of the target. */
export interface TargetPlace<Folder> {
  readonly folder: Folder;
  readonly name: string;
}

/** What is at a place already; `made` is what a hard link can be made to. */
export interface ExistingAt<Made> extends PlannedEntry {
  readonly made: Made;
}

/** How an entry takes its name. */
export interface TakingPlace {
  /** Something of the name may be there, and gives way. */
  readonly replace: boolean;
  /** The folder is new, so that nothing of anyone's can be in it. */
  readonly isInNew: boolean;
  /** Where the target keeps them. */
  readonly extended?: AsyncIterable<ExtendedAttribute> | undefined;
}

/** A file that is being written, and gets its name when it is whole. */
export interface TargetFile<Made> extends AsyncDisposable {
  /** The parts of the bytes that are not zero. */
  write(offsetBytes: number, bytes: Uint8Array, parts: readonly Part[]): Promise<void>;
  commit(file: { entry: ListedEntry; sizeBytes: number }, how: TakingPlace): Promise<Made>;
}

/**
 * Where entries are copied to: a folder of this machine, or the live state of a
 * volume. Each appears whole or not at all. Faults carry codes and name the
 * place; `exists` when the name is taken and nothing is to give way.
 */
export interface ExportTarget<Folder, Made> extends AsyncDisposable {
  /** To how many nanoseconds times are kept. */
  readonly timeGrainNs: bigint;
  /** Zeros of this length become holes. */
  readonly grainBytes: number;
  readonly keepsExtended: boolean;
  freeBytes(): Promise<number>;
  /** How messages call a place. */
  pathOf(at: TargetPlace<Folder>): string;
  /** What a folder has under each of these names. */
  existing(folder: Folder, names: readonly string[]): Promise<(ExistingAt<Made> | undefined)[]>;
  /** The folder that is at a place, to look at and no more. */
  inside(at: TargetPlace<Folder>, existing: ExistingAt<Made>): Folder;
  /** Called once before anything is replaced. */
  beforeReplacing(): Promise<void>;
  makeFolder(at: TargetPlace<Folder>, entry: ListedEntry, how: Pick<TakingPlace, 'extended'>): Promise<Folder>;
  /** The folder that is at a place, to be worked in until it is left. */
  enterFolder(at: TargetPlace<Folder>): Promise<Folder>;
  /** Everything has come in; with an entry, its attributes are given to the folder. */
  leaveFolder(folder: Folder, entry: ListedEntry | undefined): Promise<void>;
  putFile(at: TargetPlace<Folder>, file: { entry: ListedEntry; bytes: Uint8Array; parts: readonly Part[] }, how: TakingPlace): Promise<Made>;
  openFile(at: TargetPlace<Folder>): Promise<TargetFile<Made>>;
  putSymlink(at: TargetPlace<Folder>, entry: ListedEntry, how: TakingPlace): Promise<Made>;
  /** Gives what was made before a further name. */
  putLink(at: TargetPlace<Folder>, made: Made, how: TakingPlace): Promise<void>;
  /**
   * Whether what is there has all that the target would keep of an entry with
   * the same content, so that further names of the entry may be links to it.
   * Where it is left out, what is the same has all.
   */
  hasAllOf?(existing: ExistingAt<Made>, entry: ListedEntry, extended: AsyncIterable<ExtendedAttribute>): Promise<boolean>;
  /** Gives what is there the mode and owner of an entry, where that can be done alone. */
  update?(existing: ExistingAt<Made>, entry: ListedEntry): Promise<void>;
}
