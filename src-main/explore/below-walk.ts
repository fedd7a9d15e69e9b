import { childOf, type DirectoryEntry, type EntryTarget } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { entriesPerLookMax, pathCharactersMax } from './limits.ts';
import { entriesIn, look, namesBelow, pathIn } from './states.ts';
import type { StepWork } from './step.ts';

/** Behind which entry of which folder a walk goes on. */
export interface BelowPlace {
  readonly path: string;
  readonly name: string | undefined;
}

/** An entry that the walk has met. */
export interface MetEntry extends DirectoryEntry {
  readonly folder: string;
  /** What the other state has under the same path. */
  readonly other: EntryTarget | undefined;
}

interface Frame {
  readonly path: string;
  readonly ino: number;
  /** The folder at the same path of the other state. */
  readonly other: number | undefined;
  after: string | undefined;
  readonly waiting: MetEntry[];
  isRead: boolean;
}

export interface BelowWalkOptions {
  readonly state: VolumeState;
  /** A state whose entries at the same paths are looked up. */
  readonly other?: VolumeState | undefined;
  /** The folder to begin with, and what the other state has at its path. */
  readonly top: { readonly path: string; readonly ino: number; readonly other?: number | undefined };
  readonly from: BelowPlace | undefined;
  readonly work: StepWork;
}

/**
 * Meets every entry below a folder, depth first, in the order of the names'
 * bytes. Each step of the walk says the place behind it. Folders that are gone
 * meanwhile are passed by.
 */
export async function* walkBelow(options: BelowWalkOptions): AsyncGenerator<{ entry: MetEntry | undefined; place: BelowPlace }> {
  const stack = await resume(options);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const entry = frame.waiting.shift();
    options.work.spend(1);
    if (entry !== undefined) {
      const path = pathIn(frame.path, entry.name);
      const isEntered = entry.kind === 'directory' && path.length <= pathCharactersMax;
      frame.after = entry.name;
      yield { entry, place: isEntered ? { path, name: undefined } : placeOf(frame) };
      if (isEntered) stack.push(frameOf(path, entry, entry.other));
    } else if (frame.isRead) {
      stack.pop();
      const above = stack.at(-1);
      if (above !== undefined) yield { entry: undefined, place: placeOf(above) };
    } else {
      await readMore(options, frame);
    }
  }
}

function placeOf({ path, after }: Frame): BelowPlace {
  return { path, name: after };
}

function frameOf(path: string, own: { ino: number }, other: EntryTarget | undefined): Frame {
  return { path, ino: own.ino, other: other?.kind === 'directory' ? other.ino : undefined, after: undefined, waiting: [], isRead: false };
}

/** The folders on the way to the place, as far as they are there. */
async function resume({ state, other, top, from }: BelowWalkOptions): Promise<Frame[]> {
  const stack: Frame[] = [{ ...frameOf(top.path, top, undefined), other: top.other }];
  for (const name of namesBelow(top.path, from?.path ?? top.path) ?? []) {
    const frame = stack.at(-1)!;
    frame.after = name;
    const found = await look([state, other], () => ({
      own: childOf({ inodes: state.files.inodes, ino: frame.ino }, name),
      other: other && childOf({ inodes: other.files.inodes, ino: frame.other }, name),
    }));
    if (found.own?.kind !== 'directory') return stack;
    stack.push(frameOf(pathIn(frame.path, name), found.own, found.other));
  }
  stack.at(-1)!.after = from?.name;
  return stack;
}

async function readMore({ state, other }: BelowWalkOptions, frame: Frame): Promise<void> {
  const { path, after } = frame;
  const page = await look([state, other], () => {
    const own = entriesIn(state, frame.ino, after);
    const otherFolder = other && { inodes: other.files.inodes, ino: frame.other };
    return own.map((entry): MetEntry => ({ ...entry, folder: path, other: otherFolder && childOf(otherFolder, entry.name) }));
  });
  frame.isRead = page.length < entriesPerLookMax;
  frame.waiting.push(...page);
}
