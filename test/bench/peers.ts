import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, isRoot, pipeline, run } from './command.ts';
import { applyChanges, type ChangeSet, FolderTarget } from './data-set.ts';
import { LoopMount } from './loop-mount.ts';
import { secondsOf } from './stopwatch.ts';

/** What one step took a peer. */
export interface PeerStep {
  readonly seconds: number;
  /** Bytes that would go over a wire. */
  readonly wireBytes: number;
}

/** Another program that keeps a copy of the same folder up to date. It is made anew for every round. */
export interface CopyingPeer extends AsyncDisposable {
  baseline(): Promise<PeerStep>;
  /** The folder has been changed by the changes. */
  incremental(changes: ChangeSet): Promise<PeerStep>;
}

export interface PeerPlace {
  /** The folder to copy. */
  readonly data: string;
  /** An empty folder for all that the peer makes. */
  readonly work: string;
  /** Room for the data and its changes. */
  readonly sizeBytes: number;
}

/** Why a peer cannot be measured here, or undefined. */
export const missing = {
  rsync: isInstalled('rsync') ? undefined : 'rsync is not installed',
  btrfs: !isRoot ? 'btrfs send needs root' : isInstalled('mkfs.btrfs') ? undefined : 'btrfs-progs is not installed',
  cp: !isRoot ? 'cp to a fresh ext4 needs root' : isInstalled('mkfs.ext4') ? undefined : 'mkfs.ext4 is not installed',
} as const;

/** `cp -a` into a fresh ext4 in an image file, until everything is on the disk. Resolves to seconds. */
export async function copyToExt4({ data, work, sizeBytes }: PeerPlace): Promise<number> {
  const make = ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0'] as const;
  await using mount = await LoopMount.make(join(work, 'ext4.img'), { sizeBytes, make });
  return await secondsOf(async () => {
    await run('cp', '-a', `${data}/.`, mount.folder);
    await run('sync', '-f', mount.folder);
  });
}

/** `rsync -a --inplace` from folder to folder. What it wrote may not be on the disk yet when it ends. */
export class Rsync implements CopyingPeer {
  readonly #data: string;
  readonly #copy: string;

  constructor({ data, work }: PeerPlace) {
    this.#data = data;
    this.#copy = join(work, 'rsync');
    mkdirSync(this.#copy);
  }

  baseline(): Promise<PeerStep> {
    return this.#run();
  }

  incremental(): Promise<PeerStep> {
    return this.#run();
  }

  /** As it would go to another machine: changed files are compared by checksums of their parts, and what differs travels. */
  compare(): Promise<PeerStep> {
    return this.#run('--no-whole-file');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#copy, { recursive: true });
  }

  async #run(...how: string[]): Promise<PeerStep> {
    let report = '';
    const seconds = await secondsOf(async () => {
      report = await run('rsync', '-a', '--inplace', '--delete', '--stats', ...how, `${this.#data}/`, this.#copy);
    });
    const figures = [...report.matchAll(/^Total bytes (?:sent|received): ([\d,.]+)/gm)];
    return { seconds, wireBytes: figures.reduce((sum, [, text]) => sum + Number(text!.replaceAll(/[,.]/g, '')), 0) };
  }
}

/** `btrfs send | btrfs receive` between two images. The copy into the first one, and its snapshots, are not counted. */
export class Btrfs implements CopyingPeer {
  readonly #source: LoopMount;
  readonly #target: LoopMount;
  #last = 0;

  private constructor(source: LoopMount, target: LoopMount) {
    this.#source = source;
    this.#target = target;
  }

  static async make({ data, work, sizeBytes }: PeerPlace): Promise<Btrfs> {
    const make = ['mkfs.btrfs', '-q', '-f'] as const;
    await using stack = new AsyncDisposableStack();
    const source = stack.use(await LoopMount.make(join(work, 'btrfs-source.img'), { sizeBytes, make }));
    const target = stack.use(await LoopMount.make(join(work, 'btrfs-target.img'), { sizeBytes, make }));
    const peer = new Btrfs(source, target);
    await run('btrfs', 'subvolume', 'create', peer.#live);
    await run('cp', '-a', '--reflink=never', `${data}/.`, peer.#live);
    stack.move();
    return peer;
  }

  async baseline(): Promise<PeerStep> {
    return this.#send([]);
  }

  async incremental(changes: ChangeSet): Promise<PeerStep> {
    await applyChanges(changes, new FolderTarget(this.#live));
    const step = await this.#send(['-p', this.#snapshot(this.#last)]);
    return step;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.close();
    await this.#target.close();
  }

  async #send(parent: readonly string[]): Promise<PeerStep> {
    const next = this.#snapshot(this.#last + 1);
    await run('sync', '-f', this.#source.folder);
    await run('btrfs', 'subvolume', 'snapshot', '-r', this.#live, next);
    await run('sync', '-f', this.#source.folder);
    const args = [this.#target.folder, ...parent, next];
    const seconds = await secondsOf(() => pipeline('to=$1; shift; btrfs -q send "$@" | btrfs -q receive "$to"', ...args));
    const wireBytes = Number(await pipeline('shift; btrfs -q send "$@" | wc -c', ...args));
    this.#last++;
    return { seconds, wireBytes };
  }

  get #live(): string {
    return join(this.#source.folder, 'live');
  }

  #snapshot(index: number): string {
    return join(this.#source.folder, `snapshot-${index}`);
  }
}
