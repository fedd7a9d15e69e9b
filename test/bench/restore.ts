import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchRun, forget, quietly } from './bench-run.ts';
import { Child } from './child.ts';
import { run } from './command.ts';
import { randomBytes, writeLargeFile } from './data-set.ts';
import type { Figures } from './figures.ts';
import { LoopMount } from './loop-mount.ts';
import { missing } from './peers.ts';
import type { PrimaryService } from './primary-child.ts';
import { makeServerFolder } from './server-folder.ts';
import { secondsOf } from './stopwatch.ts';

const gib = 2 ** 30;
const smallFiles = 5000;
const smallFilesPerFolder = 100;
const snapshot = 'kept';

/**
 * A large file and many small ones taken out of a snapshot into a folder, each
 * block proven by its checksum, beside `cp -a` out of a snapshot of btrfs. Both
 * read from the disk, write to the same file system, and have ended when
 * everything is on the disk.
 */
export async function measureRestore(bench: BenchRun): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'restore');
  const place = { data: join(folder, 'data'), out: join(folder, 'out'), server: join(folder, 'server'), image: join(folder, 'restore.img') };
  makeData(place.data, bench.share);
  await makeSnapshot(bench, place);
  const peer = bench.withPeers && missing.btrfs === undefined ? stack.use(await makeBtrfsSnapshot(folder, place.data)) : undefined;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    ours.push(await restoreOurs(bench, place));
    if (peer !== undefined) {
      await peer.remount();
      theirs.push(await timeRestore(bench, place, () => run('cp', '-a', join(peer.folder, snapshot, 'data'), place.out)));
    }
    bench.say(`  restore: ${ours.at(-1)!.toFixed(2)} s, cp ${theirs.at(-1)?.toFixed(2) ?? '–'} s`);
  }
  return { restore_vs_cp: { ours, peer: peer === undefined ? (missing.btrfs ?? 'left out') : theirs } };
}

interface RestorePlace {
  /** What is restored. */
  readonly data: string;
  /** Where to. */
  readonly out: string;
  /** The server's settings. */
  readonly server: string;
  readonly image: string;
}

async function makeSnapshot(bench: BenchRun, { data, server, image }: RestorePlace): Promise<void> {
  await using primary = new Child<PrimaryService>('primary-child.ts', bench);
  await primary.call('open', { folder: server, image, sizeBytes: 2 * gib });
  await primary.call('put', data);
  await primary.call('snapshot', snapshot);
  await primary.call('close');
}

async function makeBtrfsSnapshot(folder: string, data: string): Promise<LoopMount> {
  const mount = await LoopMount.make(join(folder, 'btrfs.img'), { sizeBytes: 2 * gib, make: ['mkfs.btrfs', '-q', '-f'] });
  const live = join(mount.folder, 'live');
  try {
    await run('btrfs', 'subvolume', 'create', live);
    await run('cp', '-a', '--reflink=never', data, live);
    await run('btrfs', 'subvolume', 'snapshot', '-r', live, join(mount.folder, snapshot));
    return mount;
  } catch (fault) {
    await mount.close();
    throw fault;
  }
}

/** By a server that has just been started, with nothing of the volume in its memory or the system's. */
async function restoreOurs(bench: BenchRun, place: RestorePlace): Promise<number> {
  await using primary = new Child<PrimaryService>('primary-child.ts', bench);
  await forget(place.image);
  await primary.call('reopen', place.server);
  const seconds = await timeRestore(bench, place, () => primary.call('restore', snapshot, place.out));
  await primary.call('close');
  return seconds;
}

/** Proves afterwards that everything is there. */
async function timeRestore(bench: BenchRun, { data, out }: RestorePlace, restore: () => Promise<unknown>): Promise<number> {
  mkdirSync(out);
  try {
    const seconds = await quietly(bench, () =>
      secondsOf(async () => {
        await restore();
        await run('sync', '-f', out);
      }),
    );
    await run('diff', '-r', data, join(out, 'data'));
    return seconds;
  } finally {
    rmSync(out, { recursive: true });
  }
}

function makeData(folder: string, share: number): void {
  mkdirSync(folder);
  writeLargeFile(join(folder, 'large.bin'), { label: 'restore', sizeBytes: gib / share });
  for (let index = 0; index < smallFiles / share; index++) {
    const inside = join(folder, String(Math.floor(index / smallFilesPerFolder)));
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `${index}`), randomBytes(`restore ${index}`, 1024 + (index % 16) * 1000));
  }
}
