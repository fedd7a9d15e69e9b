import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeIdentity } from '../../src-main/pairing/index.ts';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type BenchRun, quietly } from './bench-run.ts';
import { Child } from './child.ts';
import { pipeline } from './command.ts';
import { DataSet } from './data-set.ts';
import type { Figures } from './figures.ts';
import { MirroredPair } from './mirrored-pair.ts';
import { secondsOf } from './stopwatch.ts';
import type { TlsService } from './tls-child.ts';

const gib = 2 ** 30;
const runBytes = 2 ** 20;

/**
 * The first mirror of large files, beside what the machine can do at best: the
 * same bytes written by dd and made durable, and as many through TLS from one
 * process to another; the slower of the two is the limit.
 */
export async function measureLimit(bench: BenchRun): Promise<Figures> {
  const { work, share, rounds, say } = bench;
  const data = new DataSet({ seed: 7, share, isLargeOnly: true });
  const folder = join(work, 'limit-data');
  const [ours, theirs]: [number[], number[]] = [[], []];
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    rmSync(folder, { recursive: true });
  });
  const totalBytes = data.make(folder);
  const pair = stack.use(await MirroredPair.open({ ...bench, sizeBytes: Math.max(gib, (4 * gib) / share) }));
  await pair.primary.call('put', folder);
  await pair.primary.call('takeCp');
  for (let round = 0; round < rounds; round++) {
    const { seconds } = await quietly(bench, () => pair.baseline(data.probe));
    const disk = await quietly(bench, () => writeDurably(folder, join(work, 'limit.out')));
    const line = await quietly(bench, () => sendOverTls(bench, totalBytes));
    ours.push(seconds);
    theirs.push(Math.max(disk, line));
    say(`  baseline of large files: ${seconds.toFixed(2)} s, dd ${disk.toFixed(2)} s, TLS ${line.toFixed(2)} s`);
  }
  return { baseline_vs_limit: { ours, peer: theirs } };
}

/**
 * What the devices alone need for a CP on both sides: seconds to write its bytes
 * to new places of two files at once, to make them durable, and then a block, as
 * the root is, in the same way.
 */
export async function measureCpLimit(work: string, cpBytes: number): Promise<number> {
  const run = new SeededRandom(3).bytes(runBytes);
  const paths = ['primary', 'mirror'].map((side) => join(work, `cp-limit-${side}`));
  const files = await Promise.all(paths.map((path) => open(path, 'w')));
  const onBoth = (task: (file: FileHandle) => Promise<unknown>): Promise<unknown> => Promise.all(files.map(task));
  try {
    for (const file of files) await file.truncate(cpBytes + runBytes);
    return await secondsOf(async () => {
      await onBoth(async (file) => {
        const offsets = Array.from({ length: Math.ceil(cpBytes / runBytes) }, (_, index) => index * runBytes);
        await Promise.all(offsets.map((offset) => file.write(run, 0, Math.min(runBytes, cpBytes - offset), offset)));
        await file.datasync();
      });
      await onBoth(async (file) => {
        await file.write(run, 0, 4096, cpBytes);
        await file.datasync();
      });
    });
  } finally {
    await onBoth((file) => file.close());
    for (const path of paths) rmSync(path);
  }
}

/**
 * What the machine alone needs to put data in, mirrored: seconds to read it, to
 * write it durably to two files, and to take it from one process to another
 * through TLS, all at once. Nothing is proven, and no files are made.
 */
export async function measureImportLimit(bench: BenchRun, data: { folder: string; totalBytes: number }): Promise<number> {
  const { folder, totalBytes } = data;
  const [primary, mirror] = ['primary', 'mirror'].map((side) => join(bench.work, `import-limit-${side}`));
  return await secondsOf(() => Promise.all([writeDurably(folder, primary!), writeDurably(folder, mirror!), sendOverTls(bench, totalBytes)]));
}

async function writeDurably(folder: string, out: string): Promise<number> {
  const script = 'find "$1" -type f -print0 | xargs -0 cat | dd of="$2" bs=1M iflag=fullblock conv=fsync status=none';
  try {
    return await secondsOf(() => pipeline(script, folder, out));
  } finally {
    rmSync(out, { force: true });
  }
}

async function sendOverTls({ signal }: BenchRun, totalBytes: number): Promise<number> {
  await using receiver = new Child<TlsService>('tls-child.ts', { signal });
  await using sender = new Child<TlsService>('tls-child.ts', { signal });
  const { keyPem, certificatePem } = await makeIdentity(new SeededRandom(1));
  const port = await receiver.call('listen', { keyPem, certificatePem });
  return await sender.call('send', { port, totalBytes });
}
