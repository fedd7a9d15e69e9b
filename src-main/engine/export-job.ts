import { isFault, MirrorpointError } from '../base/index.ts';
import { childPath, type CollisionChoice, type ListedEntry, peerPageMax } from '../contract/index.ts';
import { endsCopy, freeNamesTriedMax, nameBeside, planEntry, type Step } from '../restore/index.ts';
import { checkWhole, extendedAttributes, type ExportSource, pieceBytes, piecesAtOnce, piecesOf } from './export-source.ts';
import type { ExistingAt, ExportTarget, TakingPlace, TargetPlace } from './export-target.ts';
import type { ImportCounts } from './import-job.ts';
import type { Job } from './job.ts';
import { type Part, partsOfData } from './sparse.ts';
import type { SourceEntry, SourceTotal } from './source-walk.ts';
import { TaskGroup } from './task-group.ts';

const filesAtOnceMax = 16;
const memoryBytesMax = 32 << 20;

/** Files with several names that are remembered, so that the copies are one file too. */
const linkedFilesMax = 1_000_000;

/** What is done where something is already. */
export interface ExportRules {
  choiceOf(path: string): CollisionChoice | 'refuse';
  /** Whether what is the same by its size and time is left alone. */
  readonly leavesSame: boolean;
  /** Whether a folder that was there gets the attributes of the one that comes into it. */
  readonly marksMerged: boolean;
}

/** What is copied, and where to. */
export interface ExportTop<Folder> extends SourceEntry {
  /** The caller's, who also leaves it. */
  readonly folder: Folder;
  /** Without a name, what is in the folder at the path goes into the target's folder itself. */
  readonly name: string | undefined;
}

/** The names of one folder of the target that are given already, or will be. */
interface Siblings {
  readonly given: Set<string>;
  readonly isComing: (name: string) => Promise<boolean>;
}

interface OpenFolder<Folder> extends Siblings {
  readonly path: string;
  readonly ino: number;
  readonly at: Folder;
  /** What it is to be given when it is left; undefined for what is not to be touched. */
  readonly entry: ListedEntry | undefined;
  /** Made by this job, so nothing of anyone's can be in it. */
  readonly isNew: boolean;
  readonly isGiven: boolean;
  readonly parent: OpenFolder<Folder> | undefined;
  pendingCount: number;
}

interface Item<Folder> extends SourceEntry {
  readonly at: TargetPlace<Folder>;
  readonly siblings: Siblings;
  readonly parent: OpenFolder<Folder> | undefined;
}

/**
 * Copies files and folders of one state of a volume to a target, with whatever
 * that keeps of them. What collides is dealt with by the rules; what cannot be
 * copied is reported, and the rest goes on, unless a whole side has failed.
 */
export class ExportJob<Folder, Made> {
  readonly counts: ImportCounts = { files: 0, directories: 0, symlinks: 0, hardLinks: 0, unchanged: 0, bytes: 0, holeBytes: 0 };
  /** What became of collisions. */
  readonly collisions = { replaced: 0, keptBoth: 0, skipped: 0 };
  readonly #source: ExportSource;
  readonly #target: ExportTarget<Folder, Made>;
  readonly #job: Job;
  readonly #rules: ExportRules;
  readonly #tasks = new TaskGroup(filesAtOnceMax, memoryBytesMax);
  readonly #linked = new Map<number, { made: Promise<Made | undefined>; namesLeft: number }>();
  /** What of the total need not be copied. */
  readonly #spared = { files: 0, bytes: 0 };
  #total: SourceTotal | undefined;
  #mayReplace = false;
  #stopped: { fault: unknown } | undefined;

  constructor(options: { source: ExportSource; target: ExportTarget<Folder, Made>; job: Job; rules: ExportRules }) {
    this.#source = options.source;
    this.#target = options.target;
    this.#job = options.job;
    this.#rules = options.rules;
  }

  async run(tops: readonly ExportTop<Folder>[]): Promise<ImportCounts> {
    const names = new Set(tops.map(({ name }) => name));
    const siblings: Siblings = { given: new Set(), isComing: async (name) => names.has(name) };
    try {
      for (const top of tops) {
        const folder = await this.#exportTop(top, siblings);
        if (folder !== undefined) await this.#exportFolders(folder);
      }
    } finally {
      await this.#tasks.settle();
    }
    await this.#tasks.finish();
    return this.counts;
  }

  /** How much there is altogether, once that is known. */
  expect(total: SourceTotal): void {
    this.#total = total;
    this.#tellTotal();
  }

  async #exportTop({ path, entry, folder, name }: ExportTop<Folder>, siblings: Siblings): Promise<OpenFolder<Folder> | undefined> {
    if (name === undefined) return this.#opened({ path, entry, parent: undefined }, folder, { isNew: false, isGiven: true });
    const item = { path, entry, at: { folder, name }, siblings, parent: undefined };
    try {
      const [existing] = await this.#target.existing(folder, [name]);
      return await this.#export(item, existing);
    } catch (fault) {
      this.#leftOut(path, fault);
      return undefined;
    }
  }

  async #exportFolders(top: OpenFolder<Folder>): Promise<void> {
    const waiting = [top];
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      try {
        await this.#exportFolder(folder, waiting);
      } catch (fault) {
        this.#leftOut(folder.path, fault);
      }
      await this.#leave(folder);
    }
  }

  async #exportFolder(folder: OpenFolder<Folder>, waiting: OpenFolder<Folder>[]): Promise<void> {
    let after: string | undefined;
    for (;;) {
      this.#check();
      const page = await this.#source.page(folder.ino, { after, limit: peerPageMax });
      const names = page.map(({ name }) => name);
      const existing = folder.isNew ? [] : await this.#target.existing(folder.at, names);
      for (const [index, entry] of page.entries()) {
        const path = childPath(folder.path, entry.name);
        const at = { folder: folder.at, name: entry.name };
        const opened = await this.#export({ path, entry, at, siblings: folder, parent: folder }, existing[index]);
        if (opened !== undefined) waiting.push(opened);
      }
      if (page.length < peerPageMax) return;
      after = names.at(-1);
    }
  }

  /** Starts what one entry needs; resolves to the folder that it is. */
  async #export(item: Item<Folder>, existing: ExistingAt<Made> | undefined): Promise<OpenFolder<Folder> | undefined> {
    const { path, entry } = item;
    this.#check();
    this.#job.counts.current = path;
    const { timeGrainNs } = this.#target;
    const { leavesSame } = this.#rules;
    const choice = existing === undefined ? 'refuse' : this.#rules.choiceOf(path);
    const step = planEntry(entry, existing, { choice, leavesSame, timeGrainNs });
    try {
      return await this.#carryOut(step, item, existing);
    } catch (fault) {
      this.#leftOut(path, fault);
      return undefined;
    }
  }

  async #carryOut(step: Step, item: Item<Folder>, existing: ExistingAt<Made> | undefined): Promise<OpenFolder<Folder> | undefined> {
    const { entry, at } = item;
    switch (step.do) {
      case 'refuse':
        throw this.#refusal(at, step);
      case 'enter':
        return this.#opened(item, await this.#target.enterFolder(at), { isNew: false, isGiven: false });
      case 'leave':
        await this.#leaveAlone(entry, step.why, existing);
        return undefined;
      case 'update':
        if (existing !== undefined && this.#target.update !== undefined) {
          await this.#beforeReplacing();
          await this.#target.update(existing, entry);
          this.collisions.replaced++;
        }
        await this.#leaveAlone(entry, 'same', existing);
        return undefined;
      case 'keep-both':
        return this.#copy({ ...item, at: await this.#freePlace(item) }, { replace: false, onDone: () => this.collisions.keptBoth++ });
      case 'replace':
        await this.#beforeReplacing();
        return this.#copy(item, { replace: true, onDone: () => this.collisions.replaced++ });
      case 'create':
        return this.#copy(item, { replace: false });
    }
  }

  async #copy(item: Item<Folder>, options: { replace: boolean; onDone?: () => void }): Promise<OpenFolder<Folder> | undefined> {
    const { path, entry, at, parent } = item;
    const extended = this.#target.keepsExtended && entry.hasExtended === true ? extendedAttributes(this.#source, entry) : undefined;
    if (entry.kind === 'directory') {
      const made = await this.#target.makeFolder(at, entry, { extended });
      this.counts.directories++;
      options.onDone?.();
      return this.#opened(item, made, { isNew: true, isGiven: false });
    }
    const work = this.#workFor(item, { replace: options.replace, isInNew: parent?.isNew === true, extended });
    if (parent !== undefined) parent.pendingCount++;
    await this.#tasks.start(
      async () => {
        try {
          await work();
          this.#job.counts.files++;
          options.onDone?.();
        } catch (fault) {
          this.#leftOut(path, fault);
        } finally {
          if (parent !== undefined) await this.#leave(parent);
        }
      },
      Math.min(2 * entry.sizeBytes, piecesAtOnce * pieceBytes),
    );
    return undefined;
  }

  #workFor(item: Item<Folder>, how: TakingPlace): () => Promise<unknown> {
    const { entry, at } = item;
    const write = (): Promise<Made> => (entry.kind === 'symlink' ? this.#writeSymlink(item, how) : this.#writeFile(item, how));
    if (entry.linkCount <= 1) return write;
    const known = this.#linked.get(entry.ino);
    if (known !== undefined) {
      this.#nameSeen(entry.ino);
      return async () => {
        const made = await known.made;
        if (made === undefined) {
          await write();
          return;
        }
        await this.#target.putLink(at, made, how);
        this.counts.hardLinks++;
      };
    }
    const { promise, resolve } = Promise.withResolvers<Made | undefined>();
    this.#remember(entry, promise);
    return async () => {
      let made: Made | undefined;
      try {
        made = await write();
      } finally {
        resolve(made);
      }
    };
  }

  async #writeSymlink({ entry, at }: Item<Folder>, how: TakingPlace): Promise<Made> {
    const made = await this.#target.putSymlink(at, entry, how);
    this.counts.symlinks++;
    return made;
  }

  async #writeFile(item: Item<Folder>, how: TakingPlace): Promise<Made> {
    const made = item.entry.sizeBytes <= pieceBytes ? await this.#writeWhole(item, how) : await this.#writePieces(item, how);
    this.counts.files++;
    return made;
  }

  async #writeWhole({ path, entry, at }: Item<Folder>, how: TakingPlace): Promise<Made> {
    const bytes = Buffer.allocUnsafe(entry.sizeBytes);
    let gotBytes = 0;
    for (let more = -1; more !== 0 && gotBytes < bytes.length; gotBytes += more) {
      more = await this.#source.readInto(entry.ino, gotBytes, bytes.subarray(gotBytes));
    }
    await checkWhole(this.#source, entry, { path, bytes: gotBytes });
    this.#check();
    const parts = partsOfData(bytes, this.#target.grainBytes);
    const made = await this.#target.putFile(at, { entry, bytes, parts }, how);
    this.#countBytes(bytes.length, parts);
    return made;
  }

  async #writePieces({ path, entry, at }: Item<Folder>, how: TakingPlace): Promise<Made> {
    await using file = await this.#target.openFile(at);
    let doneBytes = 0;
    for await (const piece of piecesOf(this.#source, entry, { startBytes: 0, endBytes: entry.sizeBytes })) {
      this.#check();
      const parts = partsOfData(piece, this.#target.grainBytes);
      await file.write(doneBytes, piece, parts);
      doneBytes += piece.length;
      this.#countBytes(piece.length, parts);
    }
    await checkWhole(this.#source, entry, { path, bytes: doneBytes });
    return await file.commit({ entry, sizeBytes: doneBytes }, how);
  }

  /** A name beside the one that is taken, which neither side has. */
  async #freePlace({ entry, at, siblings }: Item<Folder>): Promise<TargetPlace<Folder>> {
    const { folder } = at;
    for (let attempt = 1; attempt <= freeNamesTriedMax; attempt++) {
      const name = nameBeside(at.name, { attempt, isFolder: entry.kind === 'directory', kind: 'restored' });
      if (siblings.given.has(name) || (await this.#target.existing(folder, [name]))[0] !== undefined || (await siblings.isComing(name))) continue;
      siblings.given.add(name);
      return { folder, name };
    }
    throw new MirrorpointError('exists', `${this.#target.pathOf(at)} was left out: there are ${freeNamesTriedMax} restored ones beside it already. Choose another folder.`);
  }

  async #isInSource(path: string): Promise<boolean> {
    try {
      await this.#source.entryAt(path);
      return true;
    } catch (fault) {
      if (isFault(fault, 'not-found')) return false;
      throw fault;
    }
  }

  #opened(item: Pick<Item<Folder>, 'path' | 'entry' | 'parent'>, at: Folder, how: { isNew: boolean; isGiven: boolean }): OpenFolder<Folder> {
    const { path, entry, parent } = item;
    const { isNew, isGiven } = how;
    if (parent !== undefined) parent.pendingCount++;
    const isMarked = isNew || (this.#rules.marksMerged && !isGiven);
    const isComing = (name: string): Promise<boolean> => this.#isInSource(childPath(path, name));
    return { path, ino: entry.ino, at, entry: isMarked ? entry : undefined, isNew, isGiven, parent, pendingCount: 1, given: new Set(), isComing };
  }

  /** One entry of the folder, or its listing, has ended; the last to end sets its attributes. */
  async #leave(folder: OpenFolder<Folder>): Promise<void> {
    for (let at: OpenFolder<Folder> | undefined = folder; at !== undefined; at = at.parent) {
      if (--at.pendingCount > 0) return;
      if (at.isGiven) continue;
      try {
        await this.#target.leaveFolder(at.at, at.entry);
      } catch (fault) {
        this.#leftOut(at.path, fault);
      }
    }
  }

  async #leaveAlone(entry: ListedEntry, why: 'same' | 'skipped', existing: ExistingAt<Made> | undefined): Promise<void> {
    if (why === 'same') this.counts.unchanged++;
    else this.collisions.skipped++;
    if (entry.kind === 'directory') return;
    const isFirst = entry.linkCount <= 1 || !this.#linked.has(entry.ino);
    if (entry.linkCount > 1 && !isFirst) this.#nameSeen(entry.ino);
    else if (entry.linkCount > 1) this.#remember(entry, Promise.resolve(await this.#linkable(entry, why, existing)));
    this.#spared.files++;
    if (isFirst) this.#spared.bytes += entry.sizeBytes;
    this.#tellTotal();
  }

  /** What further names of an entry that is left alone may be links to; else they get a file of their own. */
  async #linkable(entry: ListedEntry, why: 'same' | 'skipped', existing: ExistingAt<Made> | undefined): Promise<Made | undefined> {
    if (why !== 'same' || existing === undefined) return undefined;
    const hasAll = (await this.#target.hasAllOf?.(existing, entry, extendedAttributes(this.#source, entry))) ?? true;
    return hasAll ? existing.made : undefined;
  }

  /** Other names of the file may come. */
  #remember({ ino, linkCount }: ListedEntry, made: Promise<Made | undefined>): void {
    if (this.#linked.size < linkedFilesMax) this.#linked.set(ino, { made, namesLeft: linkCount - 1 });
  }

  #nameSeen(ino: number): void {
    const known = this.#linked.get(ino);
    if (known !== undefined && --known.namesLeft === 0) this.#linked.delete(ino);
  }

  /** Once everything is quiet: what is half-way would show in a snapshot. */
  async #beforeReplacing(): Promise<void> {
    if (this.#mayReplace) return;
    await this.#tasks.settle();
    try {
      await this.#target.beforeReplacing();
      this.#mayReplace = true;
    } catch (fault) {
      this.#stopped ??= { fault };
      throw fault;
    }
  }

  /** Reports the entry, unless nothing else could come through any more. */
  #leftOut(path: string, fault: unknown): void {
    if (endsCopy(fault)) this.#stopped ??= { fault };
    if (this.#stopped !== undefined) throw this.#stopped.fault;
    this.#job.problem(path, fault);
  }

  #check(): void {
    this.#job.checkCancelled();
    if (this.#stopped !== undefined) throw this.#stopped.fault;
  }

  #refusal(at: TargetPlace<Folder>, step: Extract<Step, { do: 'refuse' }>): MirrorpointError {
    const next = step.code === 'exists' ? 'Replace it (`get --overwrite`), or choose another place.' : 'Move one of the two out of the way.';
    return new MirrorpointError(step.code, `${this.#target.pathOf(at)} was left alone: ${step.why}. ${next}`);
  }

  #countBytes(lengthBytes: number, parts: readonly Part[]): void {
    const dataBytes = parts.reduce((sum, part) => sum + part.end - part.start, 0);
    this.counts.bytes += lengthBytes;
    this.counts.holeBytes += lengthBytes - dataBytes;
    this.#job.counts.bytes += lengthBytes;
  }

  #tellTotal(): void {
    if (this.#total === undefined) return;
    const { files, bytes } = this.#total;
    Object.assign(this.#job.counts, { filesTotal: files - this.#spared.files, bytesTotal: bytes - this.#spared.bytes });
  }
}
