import { type Clock, type ErrorCode, isFault, type MirrorpointError } from '../base/index.ts';
import type { Attributes } from '../files/index.ts';
import { identityOf, type IgnoreRules, laterMax, type Looked, type NamePlace, retryDelayMs, type SourceStat } from '../following/index.ts';
import type { Volume } from '../volume/index.ts';
import { makeDurable } from './durable.ts';
import { type FollowHands, notMade } from './follow-hands.ts';
import type { FollowRecord } from './follow-record.ts';
import type { Job } from './job.ts';
import type { LocalStat, LocalTree } from './local-tree.ts';
import type { LocalWatch } from './ports.ts';
import { existingEntries } from './volume-writer.ts';

/** So many things are taken or removed until the volume is asked to have them for good. */
const settleEvery = 1000;

/** After these nothing more can be done in a pass. */
const endingCodes: ReadonlySet<ErrorCode> = new Set(['cancelled', 'volume-full', 'volume-read-only', 'volume-damaged', 'checksum-mismatch', 'device-closed']);

/** What is to be tried again, and when. */
export interface Later {
  readonly delayMs: number;
  readonly tries: number;
  /** It is taken even if its size and time are the same by then. */
  readonly isForced: boolean;
}

/** What is known of a path from passes before. */
export interface Before {
  readonly tries: number;
  readonly waitedMs: number;
  readonly isForced: boolean;
}

/** What a pass needs of the job that it is, or is part of. */
export type FollowJob = Pick<Job, 'counts' | 'checkCancelled' | 'problem'>;

export interface GroundParts {
  readonly volume: Volume;
  readonly tree: LocalTree;
  readonly watch: Pick<LocalWatch, 'add' | 'remove'>;
  readonly record: FollowRecord;
  readonly rules: IgnoreRules;
  readonly isExact: boolean;
  readonly hands: FollowHands;
  readonly clock: Clock;
  readonly job: FollowJob;
  readonly root: { readonly local: string; readonly stat: LocalStat };
  /** What passes before have said of a path. */
  readonly before: (path: string) => Before | undefined;
  readonly hadFault: (path: string) => boolean;
}

export type Existing = Attributes & { readonly known: string | undefined };
export type Source = LocalStat & { readonly id: string };

/** What all parts of one pass over a followed folder work with. */
export class FollowGround {
  readonly parts: GroundParts;
  /** What could not be taken, by its path; undefined for one that had a fault and is in order again. */
  readonly faults = new Map<string, MirrorpointError | undefined>();
  readonly later = new Map<string, Later>();
  /** Folders that have no watch. */
  unwatchedCount = 0;

  constructor(parts: GroundParts) {
    this.parts = parts;
  }

  get isDry(): boolean {
    return this.parts.hands.isDry;
  }

  /** A path of this machine. Throws `name-invalid`. */
  localOf(path: string): string {
    const { tree, root } = this.parts;
    return partsOf(path).reduce((folder, name) => tree.join(folder, name), root.local);
  }

  sourceOf(stat: LocalStat): Source {
    return { ...stat, id: identityOf(stat, this.parts.root.stat) };
  }

  /** What is at a path now; nothing, if a folder on the way is none. */
  async statOf(path: string): Promise<LocalStat | undefined> {
    const { tree, root } = this.parts;
    let local = root.local;
    let stat: LocalStat | undefined = root.stat;
    for (const name of partsOf(path)) {
      if (stat?.kind !== 'directory') return undefined;
      local = tree.join(local, name);
      stat = await tree.stat(local);
    }
    return stat;
  }

  /** What a folder of the volume has under some names. */
  async existing(parent: number, names: readonly string[]): Promise<(Existing | undefined)[]> {
    if (parent === notMade) return names.map(() => undefined);
    const found = await this.parts.volume.query((files) => existingEntries(files, parent, names));
    return found.map((entry) => entry && { ...entry, known: this.parts.record.identityOf(entry) });
  }

  async existingAt({ parent, name }: NamePlace): Promise<Existing | undefined> {
    return (await this.existing(parent, [name]))[0];
  }

  /** The inode that was taken from a source and is in the volume still, if it is another than the one given. */
  async elsewhere(source: Source, existing: Existing | undefined): Promise<Attributes | undefined> {
    const { record, volume } = this.parts;
    const taken = record.takenAs(source.id);
    if (taken === undefined || taken.ino === existing?.ino) return undefined;
    const found = await volume.query((files) => {
      try {
        const stat = files.stat(taken.ino);
        return stat.generation === taken.generation && stat.linkCount > 0 ? stat : undefined;
      } catch (fault) {
        if (isFault(fault, 'not-found')) return undefined;
        throw fault;
      }
    });
    if (found === undefined && !this.isDry) record.drop(taken.ino);
    return found;
  }

  looked(source: Source | undefined, existing: Existing | undefined, path: string): Omit<Looked, 'isElsewhere'> {
    return { source, existing, isForced: this.parts.before(path)?.isForced === true };
  }

  /** Remembers what an inode was taken from. */
  async took(ino: number, stat: SourceStat): Promise<void> {
    if (this.isDry) return;
    const { volume, record } = this.parts;
    const { generation } = await volume.query((files) => files.stat(ino));
    record.take({ ino, generation, identity: identityOf(stat, this.parts.root.stat) });
    await this.settleIfMuch();
  }

  async settleIfMuch(): Promise<void> {
    if (!this.isDry && this.parts.record.unsettledCount >= settleEvery) await this.settle();
  }

  /** Has the volume keep for good what was done, and then the record what was taken. */
  async settle(): Promise<void> {
    if (this.isDry) return;
    await makeDurable(this.parts.volume);
    await this.parts.record.settle();
  }

  async intend(paths: readonly string[]): Promise<void> {
    if (!this.isDry) await this.parts.record.intend(paths);
  }

  /** Sets what something that was taken has beside its content, unless another thing has come under its path meanwhile. */
  async finish(ino: number, stat: LocalStat, path: string): Promise<void> {
    if (this.isDry || ino === notMade) return;
    if (path === '' || (await this.isTakenFrom(ino, stat))) await this.parts.hands.update(ino, stat, path);
  }

  async isTakenFrom(ino: number, stat: LocalStat): Promise<boolean> {
    const { volume, record } = this.parts;
    return record.identityOf(await volume.query((files) => files.stat(ino))) === this.sourceOf(stat).id;
  }

  /** Runs what may fail for one path while the others go on. */
  async guarded(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (this.parts.hadFault(path)) this.faults.set(path, undefined);
    } catch (fault) {
      this.problem(path, fault);
    }
  }

  /** Notes that a path could not be taken. What vanished meanwhile is told of by the watch, and what changed is tried again. */
  problem(path: string, fault: unknown): void {
    if (!isFault(fault) || endingCodes.has(fault.code)) throw fault;
    if (fault.code === 'not-found') return;
    this.faults.set(path, fault);
    this.parts.job.problem(path, fault);
    if (fault.code !== 'source-changed') return;
    const tries = this.parts.before(path)?.tries ?? 0;
    this.again(path, { delayMs: retryDelayMs(tries), isForced: false });
  }

  again(path: string, how: { delayMs: number; isForced: boolean }): void {
    if (this.later.size >= laterMax && !this.later.has(path)) return;
    this.later.set(path, { ...how, tries: (this.parts.before(path)?.tries ?? 0) + 1 });
  }
}

export function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/');
}

export function pathIn(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The folder that holds a path, and its last name. */
export function splitRelative(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/');
  return { folder: at < 0 ? '' : path.slice(0, at), name: path.slice(at + 1) };
}
