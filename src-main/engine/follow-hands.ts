import type { FollowStep } from '../contract/index.ts';
import { changeBlocks } from '../files/index.ts';
import { isSameRest, type NamePlace, type TakenStat } from '../following/index.ts';
import type { LocalStat, LocalTree } from './local-tree.ts';
import type { Job } from './job.ts';
import { existingEntry } from './readable-root.ts';
import { SourceCopy } from './source-copy.ts';
import { attributesOf, type VolumeWriter } from './volume-writer.ts';

/** The inode number of a folder that a dry run did not make. */
export const notMade = 0;

/** What a pass does to the volume, or in a dry run only tells. `path` is from the followed folder on, for people. */
export interface FollowHands extends AsyncDisposable {
  readonly isDry: boolean;
  /** Resolves to the new folder's inode number, or `notMade`. */
  makeFolder(at: NamePlace, stat: LocalStat, path: string): Promise<number>;
  /** Takes a file or symbolic link; resolves to undefined in a dry run. */
  take(local: string, stat: LocalStat, to: { at: NamePlace; isThere: boolean; path: string }): Promise<{ ino: number; stat: LocalStat } | undefined>;
  /** Gives a file that is in the volume a further name. */
  link(ino: number, to: { at: NamePlace; isThere: boolean; path: string }): Promise<void>;
  /** Sets mode, owner and time as far as they differ. */
  update(ino: number, stat: LocalStat, path: string): Promise<void>;
  /** Resolves to whether the name still led to the inode. */
  move(ino: number, ends: { from: NamePlace; to: NamePlace; fromPath: string; path: string }): Promise<boolean>;
  /** Removes a name that still leads to the inode; of a folder an empty one. */
  remove(ino: number, at: NamePlace, kind: TakenStat['kind'], path: string): Promise<void>;
}

/** Does it. */
export class WorkingHands implements FollowHands {
  readonly isDry = false;
  readonly #writer: VolumeWriter;
  readonly #copy: SourceCopy;
  readonly #job: Job;

  constructor(parts: { writer: VolumeWriter; tree: LocalTree; job: Job }) {
    const { writer, tree, job } = parts;
    this.#writer = writer;
    this.#job = job;
    this.#copy = new SourceCopy({
      writer,
      tree,
      // What has changed is to rest first.
      readAttemptsMax: 1,
      checkCancelled: () => {
        job.checkCancelled();
      },
      onBytes: ({ lengthBytes }) => {
        job.counts.bytes += lengthBytes;
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }

  makeFolder({ parent, name }: NamePlace, stat: LocalStat): Promise<number> {
    return this.#writer.change(changeBlocks.create, (files) => files.makeDirectory(parent, name, stat));
  }

  async take(local: string, stat: LocalStat, to: { at: NamePlace; isThere: boolean; path: string }): Promise<{ ino: number; stat: LocalStat }> {
    this.#job.counts.current = to.path;
    const place = { ...to.at, isThere: to.isThere };
    const copied = await (stat.kind === 'symlink' ? this.#copy.symlink(local, stat, place) : this.#copy.file(local, stat, place));
    this.#job.counts.files++;
    return copied;
  }

  link(ino: number, to: { at: NamePlace; isThere: boolean }): Promise<void> {
    return this.#writer.putLink(to.at, ino, { replace: to.isThere });
  }

  async update(ino: number, stat: LocalStat): Promise<void> {
    await this.#writer.change(changeBlocks.setAttributes, (files) => {
      const now = files.stat(ino);
      if (now.modifiedNs !== stat.modifiedNs || !isSameRest(stat, now)) files.setAttributes(ino, attributesOf(stat));
    });
  }

  move(ino: number, { from, to }: { from: NamePlace; to: NamePlace }): Promise<boolean> {
    return this.#writer.change(changeBlocks.rename, (files) => {
      if (existingEntry(files, from.parent, from.name)?.ino !== ino) return false;
      files.rename(from, to);
      return true;
    });
  }

  async remove(ino: number, { parent, name }: NamePlace, kind: TakenStat['kind']): Promise<void> {
    await this.#writer.change(changeBlocks.remove, (files) => {
      if (existingEntry(files, parent, name)?.ino !== ino) return;
      if (kind === 'directory') files.removeDirectory(parent, name);
      else files.unlink(parent, name);
    }, { frees: true });
    this.#job.counts.files++;
  }
}

/** Tells it. */
export class TellingHands implements FollowHands {
  readonly isDry = true;
  readonly counts = { steps: 0, bytes: 0 };
  readonly #tell: (step: FollowStep) => Promise<void>;

  constructor(tell: (step: FollowStep) => Promise<void>) {
    this.#tell = tell;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async makeFolder(_at: NamePlace, _stat: LocalStat, path: string): Promise<number> {
    await this.#step({ do: 'make-folder', path });
    return notMade;
  }

  async take(_local: string, { sizeBytes }: LocalStat, to: { isThere: boolean; path: string }): Promise<undefined> {
    this.counts.bytes += sizeBytes;
    await this.#step({ do: to.isThere ? 'replace' : 'take', path: to.path, sizeBytes });
  }

  link(_ino: number, to: { path: string }): Promise<void> {
    return this.#step({ do: 'link', path: to.path });
  }

  update(_ino: number, _stat: LocalStat, path: string): Promise<void> {
    return this.#step({ do: 'update', path });
  }

  async move(_ino: number, { fromPath, path }: { fromPath: string; path: string }): Promise<boolean> {
    await this.#step({ do: 'move', from: fromPath, path });
    return true;
  }

  remove(_ino: number, _at: NamePlace, _kind: TakenStat['kind'], path: string): Promise<void> {
    return this.#step({ do: 'remove', path });
  }

  #step(step: Omit<FollowStep, 'type'>): Promise<void> {
    this.counts.steps++;
    return this.#tell({ type: 'step', ...step });
  }
}
