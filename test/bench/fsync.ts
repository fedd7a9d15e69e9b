import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type BenchRun, quietly } from './bench-run.ts';
import { Child } from './child.ts';
import { randomBytes } from './data-set.ts';
import type { Figures } from './figures.ts';
import { LoopMount } from './loop-mount.ts';
import { missing } from './peers.ts';
import type { PrimaryService } from './primary-child.ts';
import { secondsOf } from './stopwatch.ts';
import { makeServerFolder } from './server-folder.ts';

const writes = 2000;
const blockBytes = 4096;
const fileBytes = 64 << 20;
const path = '/synced';

/**
 * Blocks written one after the other at random places of a file, each durable
 * before the next: by a client in the server's process, and by a program on a
 * file of btrfs. Both have the same image files under them.
 */
export async function measureFsync(bench: BenchRun): Promise<Figures> {
  const count = Math.ceil(writes / bench.share);
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'synced');
  const primary = stack.use(new Child<PrimaryService>('primary-child.ts', bench));
  await primary.call('open', { folder, image: join(folder, 'synced.img'), sizeBytes: 2 ** 30, cpIntervalMs: 30_000 });
  stack.defer(() => primary.call('close'));
  await primary.call('makeFile', path, fileBytes);
  await primary.call('takeCp');
  const file = bench.withPeers && missing.btrfs === undefined ? await openBtrfsFile(stack, bench) : undefined;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let seed = 0; seed < bench.rounds; seed++) {
    ours.push(count / (await quietly(bench, () => primary.call('syncedWrites', path, { sizeBytes: fileBytes, count, seed }))));
    if (file !== undefined) theirs.push(count / (await quietly(bench, () => syncedWrites(file, { count, seed }))));
    bench.say(`  4 KiB with fsync: ${ours.at(-1)!.toFixed(0)} /s, btrfs ${theirs.at(-1)?.toFixed(0) ?? '–'} /s`);
  }
  return { fsync_vs_btrfs: { ours, peer: file === undefined ? (missing.btrfs ?? 'left out') : theirs } };
}

async function openBtrfsFile(stack: AsyncDisposableStack, { work }: BenchRun): Promise<number> {
  const mount = stack.use(await LoopMount.make(join(work, 'synced-btrfs.img'), { sizeBytes: 2 ** 30, make: ['mkfs.btrfs', '-q', '-f'] }));
  const fd = openSync(join(mount.folder, 'synced'), 'w+');
  stack.defer(() => {
    closeSync(fd);
  });
  writeSync(fd, randomBytes(path, fileBytes));
  fsyncSync(fd);
  return fd;
}

function syncedWrites(fd: number, options: { count: number; seed: number }): Promise<number> {
  const random = new SeededRandom(options.seed);
  const block = random.bytes(blockBytes);
  return secondsOf(() => {
    for (let done = 0; done < options.count; done++) {
      writeSync(fd, block, 0, blockBytes, random.below(fileBytes / blockBytes) * blockBytes);
      fsyncSync(fd);
    }
  });
}
