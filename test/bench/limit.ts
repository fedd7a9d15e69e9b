import { rmSync } from 'node:fs';
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

async function writeDurably(folder: string, out: string): Promise<number> {
  try {
    return await secondsOf(() => pipeline('cat "$1"/large/* | dd of="$2" bs=1M iflag=fullblock conv=fsync status=none', folder, out));
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
