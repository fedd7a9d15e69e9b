import { MirrorpointError } from '../base/index.ts';
import { folderNamesMax, isMountGone, isUnsettled, lookAt, movedMax, type NamePlace, restLeftMs, retryDelayMs } from '../following/index.ts';
import { type Existing, type FollowGround, partsOf, pathIn, type Source } from './follow-ground.ts';
import { notMade } from './follow-hands.ts';
import { type LocalStat, wholeFileBytesMax } from './local-tree.ts';
import { TaskGroup } from './task-group.ts';

/** Small files on their way at once, and the memory that they may take. */
const smallFilesMax = 24;
const smallFileMemoryBytes = 32 << 20;

const largeFilesMax = 2;
const pageEntries = 256;

/** A folder that is to be looked at. */
export interface ScanTask {
  /** From the followed folder on. */
  readonly path: string;
  /** Of the folder in the volume, or `notMade`. */
  readonly ino: number;
  readonly stat: LocalStat;
  readonly names: readonly string[] | 'all';
  /** With all folders in it. */
  readonly isDeep: boolean;
  /** Made in this pass, so nothing can be in it. */
  readonly isNew: boolean;
}

/** A name of the volume that the followed folder has no more, or has for something else. */
export interface Gone {
  readonly ino: number;
  readonly at: NamePlace;
  readonly path: string;
  readonly kind: Existing['kind'];
}

/** The names of the volume that went, as far as a pass knows. A folder that turns out to be renamed takes those in it along. */
export class GoneNames {
  readonly #byPlace = new Map<string, Gone>();

  get all(): Gone[] {
    return [...this.#byPlace.values()];
  }

  add(gone: Gone): void {
    if (this.#byPlace.size < movedMax) this.#byPlace.set(placeKey(gone.at), gone);
  }

  /** The name is there after all, or is settled. */
  remove(at: NamePlace): void {
    this.#byPlace.delete(placeKey(at));
  }

  /** The folder at a path has another one now. */
  folderMoved(from: string, to: string): void {
    for (const [key, gone] of this.#byPlace) {
      if (gone.path.startsWith(`${from}/`)) this.#byPlace.set(key, { ...gone, path: `${to}${gone.path.slice(from.length)}` });
    }
  }
}

function placeKey({ parent, name }: NamePlace): string {
  return `${parent}/${name}`;
}

/** A name of the followed folder that is settled when all have been looked at. */
export interface Come {
  /** The inode that may be the same; 0 when there is none. */
  readonly wanted: number;
  readonly to: NamePlace;
  readonly path: string;
  readonly source: Source;
}

/** One name with what both sides have. */
interface Pair {
  readonly name: string;
  readonly path: string;
  readonly source: Source | undefined;
  readonly existing: Existing | undefined;
}

/**
 * Looks through folders and takes at once what is certain. What may be an end of
 * a rename is gathered, and what is to be removed.
 */
export class FollowScan {
  readonly gone = new GoneNames();
  readonly come: Come[] = [];
  readonly waiting: ScanTask[] = [];
  readonly #ground: FollowGround;
  readonly #small = new TaskGroup(smallFilesMax, smallFileMemoryBytes);
  readonly #large = new TaskGroup(largeFilesMax);

  constructor(ground: FollowGround) {
    this.#ground = ground;
  }

  /** Looks through all folders that wait. */
  async run(): Promise<void> {
    try {
      for (let task = this.waiting.pop(); task !== undefined; task = this.waiting.pop()) {
        this.#ground.parts.job.checkCancelled();
        await this.#scan(task);
      }
    } finally {
      await this.#small.settle();
      await this.#large.settle();
    }
    await this.#small.finish();
    await this.#large.finish();
  }

  async #scan(task: ScanTask): Promise<void> {
    const { path, names } = task;
    if (names === 'all') await this.#scanAll(task);
    else await this.#scanNames(task, names);
    await this.#small.finish();
    if (this.#ground.isDry) return;
    await this.#ground.guarded(path, async () => {
      // As it is now that it is watched under this path: what came before may have been told under another.
      const stat = await this.#ground.parts.tree.stat(this.#ground.localOf(path));
      if (stat?.kind === 'directory') await this.#ground.finish(task.ino, stat, path);
    });
  }

  async #scanNames(task: ScanTask, names: readonly string[]): Promise<void> {
    const { tree, rules } = this.#ground.parts;
    const folder = this.#ground.localOf(task.path);
    const stats = await Promise.all(names.map((name) => tree.stat(tree.join(folder, name))));
    const existing = await this.#ground.existing(task.ino, names);
    const pairs = names.map((name, index) => this.#pair(task, { name, stat: stats[index], existing: existing[index] }));
    await this.#lookAtPairs(task, pairs.filter(({ path, source, existing: there }) => {
      return !rules.ignoresEntry(partsOf(path), (source ?? there)?.kind === 'directory');
    }));
  }

  async #scanAll(task: ScanTask): Promise<void> {
    const { tree, watch, rules } = this.#ground.parts;
    const folder = this.#ground.localOf(task.path);
    if (!watch.add(folder)) this.#ground.unwatchedCount++;
    const seen = new Set<string>();
    let isAllSeen = true;
    try {
      for await (const page of tree.list(folder)) {
        this.#ground.parts.job.checkCancelled();
        for (const name of page.refusedNames) {
          const path = pathIn(task.path, name);
          this.#ground.problem(path, leftOut(path, 'its name is no UTF-8. Rename it.', 'name-invalid'));
        }
        for (const { name } of page.entries) {
          if (seen.size < folderNamesMax) seen.add(name);
          else isAllSeen = false;
        }
        const entries = page.entries.filter(({ name, kind }) => !rules.ignoresEntry(partsOf(pathIn(task.path, name)), kind === 'directory'));
        const existing = task.isNew ? [] : await this.#ground.existing(task.ino, entries.map(({ name }) => name));
        await this.#lookAtPairs(task, entries.map((entry, index) => this.#pair(task, { name: entry.name, stat: entry, existing: existing[index] })));
      }
    } catch (fault) {
      // What could not be listed to its end says nothing about what has gone.
      this.#ground.problem(task.path, fault);
      return;
    }
    if (!task.isNew && task.ino !== notMade) await this.#findGone(task, { seen, isAllSeen });
  }

  /** Looks for names of the volume that the folder does not have. */
  async #findGone(task: ScanTask, { seen, isAllSeen }: { seen: ReadonlySet<string>; isAllSeen: boolean }): Promise<void> {
    const { volume, tree, rules, record } = this.#ground.parts;
    const folder = this.#ground.localOf(task.path);
    const own = await volume.query((files) => files.stat(task.ino));
    if (isMountGone(record.identityOf(own), { id: this.#ground.sourceOf(task.stat).id, isEmpty: seen.size === 0 })) {
      const why = 'what was mounted there is gone, so nothing of it was removed from the volume. Mount it again, or remove it from the volume.';
      this.#ground.problem(task.path, leftOut(task.path, why, 'not-permitted'));
      return;
    }
    for (let after: string | undefined; ; ) {
      const start = after;
      const page = await volume.query((files) => files.readDirectory(task.ino, start, pageEntries));
      const lost: string[] = [];
      for (const { name, kind } of page) {
        if (seen.has(name) || rules.ignoresEntry(partsOf(pathIn(task.path, name)), kind === 'directory')) continue;
        if (isAllSeen || (await tree.stat(tree.join(folder, name))) === undefined) lost.push(name);
      }
      const existing = await this.#ground.existing(task.ino, lost);
      await this.#lookAtPairs(task, lost.map((name, index) => this.#pair(task, { name, stat: undefined, existing: existing[index] })));
      if (page.length < pageEntries) return;
      after = page.at(-1)?.name;
    }
  }

  #pair(task: ScanTask, entry: { name: string; stat: LocalStat | undefined; existing: Existing | undefined }): Pair {
    const { name, stat, existing } = entry;
    return { name, path: pathIn(task.path, name), source: stat && this.#ground.sourceOf(stat), existing };
  }

  async #lookAtPairs(task: ScanTask, pairs: readonly Pair[]): Promise<void> {
    const taken: Pair[] = [];
    for (const pair of pairs) {
      await this.#ground.guarded(pair.path, async () => {
        if (await this.#isToTake(task, pair)) taken.push(pair);
      });
    }
    await this.#ground.intend(taken.map(({ path }) => path));
    for (const pair of taken) await this.#start(task, pair);
  }

  /** Does what one name needs, or says that its content is to be taken. */
  async #isToTake(task: ScanTask, { name, path, source, existing }: Pair): Promise<boolean> {
    const ground = this.#ground;
    const other = source && (await ground.elsewhere(source, existing));
    const look = lookAt({ ...ground.looked(source, existing, path), isElsewhere: other !== undefined });
    const at = { parent: task.ino, name };
    this.gone.remove(at);
    switch (look.do) {
      case 'nothing':
        break;
      case 'foreign':
        if (ground.parts.isExact) this.#noteGone({ at, path, existing });
        break;
      case 'gone':
        this.#noteGone({ at, path, existing });
        break;
      case 'refuse':
        if (look.why === 'special' && existing?.known !== undefined) this.#noteGone({ at, path, existing });
        throw leftOut(path, refusals[look.why], look.why === 'special' ? 'unsupported' : 'exists');
      case 'settle':
        return this.#noteCome({ at, path, source: source!, existing }, other?.ino);
      case 'adopt':
        await ground.took(existing!.ino, source!);
        break;
      case 'update':
        await ground.parts.hands.update(existing!.ino, source!, path);
        await ground.took(existing!.ino, source!);
        break;
      case 'enter':
        await this.#enter(task, { path, source: source!, existing: existing! });
        break;
      case 'take':
        ground.parts.record.checkRoom();
        // What stands in its place goes first.
        if (existing !== undefined && (existing.kind === 'directory') !== (source!.kind === 'directory')) return this.#noteCome({ at, path, source: source!, existing });
        return this.#hasRested(path, source!);
    }
    return false;
  }

  async #enter(task: ScanTask, { path, source, existing }: { path: string; source: Source; existing: Existing }): Promise<void> {
    if (task.isDeep || existing.known !== source.id) {
      await this.#ground.took(existing.ino, source);
      this.waiting.push({ path, ino: existing.ino, stat: source, names: 'all', isDeep: true, isNew: false });
    } else await this.#ground.finish(existing.ino, source, path);
  }

  #noteGone({ at, path, existing }: { at: NamePlace; path: string; existing: Existing | undefined }): void {
    if (existing !== undefined) this.gone.add({ ino: existing.ino, at, path, kind: existing.kind });
  }

  /** Keeps a name to be settled; with too many of them it is taken as if it were new. */
  #noteCome({ at, path, source, existing }: { at: NamePlace; path: string; source: Source; existing: Existing | undefined }, wanted = 0): boolean {
    if (this.come.length >= movedMax) return source.kind !== 'directory' && existing?.kind !== 'directory';
    if (existing?.known !== undefined && existing.known !== source.id) this.#noteGone({ at, path, existing });
    this.come.push({ wanted, to: at, path, source });
    return false;
  }

  /** Whether a file can be taken now; if not, it is tried when it has rested. */
  #hasRested(path: string, source: Source): boolean {
    const { clock, before } = this.#ground.parts;
    const delayMs = this.#ground.isDry ? 0 : restLeftMs(source, { wallMs: clock.wallMs(), waitedMs: before(path)?.waitedMs ?? 0 });
    if (delayMs === 0) return true;
    this.#ground.again(path, { delayMs, isForced: before(path)?.isForced === true });
    return false;
  }

  async #start(task: ScanTask, pair: Pair): Promise<void> {
    const { path, name } = pair;
    const source = pair.source!;
    const at = { parent: task.ino, name };
    if (source.kind === 'directory') {
      await this.#ground.guarded(path, async () => {
        await this.makeFolder(at, source, path);
      });
      return;
    }
    const isLarge = source.sizeBytes > wholeFileBytesMax;
    const work = (): Promise<void> => this.#ground.guarded(path, () => this.take(at, { source, path, existing: pair.existing }));
    await (isLarge ? this.#large.start(work) : this.#small.start(work, source.sizeBytes));
  }

  /** Makes a folder, in which all is looked at then. */
  async makeFolder(at: NamePlace, source: Source, path: string): Promise<void> {
    const ino = await this.#ground.parts.hands.makeFolder(at, source, path);
    await this.#ground.took(ino, source);
    this.waiting.push({ path, ino, stat: source, names: 'all', isDeep: true, isNew: true });
  }

  /** Takes a file or symbolic link over what may be there. */
  async take(at: NamePlace, entry: { source: Source; path: string; existing: Existing | undefined }): Promise<void> {
    const { source, path, existing } = entry;
    const { hands, record, clock } = this.#ground.parts;
    const startedWallMs = clock.wallMs();
    const taken = await hands.take(this.#ground.localOf(path), source, { at, path, isThere: existing !== undefined });
    if (taken === undefined) return;
    if (existing?.linkCount === 1) record.drop(existing.ino);
    await this.#ground.took(taken.ino, taken.stat);
    // What came within the same tick of the file's clock would not be seen by size and time.
    if (isUnsettled(taken.stat, startedWallMs)) this.#ground.again(path, { delayMs: retryDelayMs(0), isForced: true });
  }
}

function leftOut(path: string, why: string, code: 'name-invalid' | 'unsupported' | 'exists' | 'not-permitted'): MirrorpointError {
  return new MirrorpointError(code, `${path === '' ? 'The folder' : path} was left out: ${why}`);
}

const refusals = {
  special: 'it is a socket, pipe or device, and volumes keep files, folders and symbolic links. Ignore it, and it is not told of.',
  'foreign-folder': 'the volume has a folder of this name that did not come from here, and with it all that is in it would go. Move one of the two out of the way.',
  'foreign-entry': 'the volume has something of this name that did not come from here, where a folder must go. Move one of the two out of the way.',
};
