import { join } from 'node:path';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type BenchRun, quietly } from './bench-run.ts';
import { Child } from './child.ts';
import type { Figures } from './figures.ts';
import type { PrimaryService } from './primary-child.ts';
import { makeServerFolder } from './server-folder.ts';
import { percentile } from './stopwatch.ts';
import { preciseWallMs } from './volume-load.ts';

const fileBytes = 256 << 20;
const blockBytes = 4096;
const secondsPerRound = 15;
const path = '/written';

interface TimedWrite {
  readonly startedWallMs: number;
  readonly durationMs: number;
}

/**
 * A client in another process writes one block after the other at random places
 * while a CP comes every second; each write counts as one during a CP when any
 * part of it was.
 */
export async function measureLatency(bench: BenchRun): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'latency');
  const primary = stack.use(new Child<PrimaryService>('primary-child.ts', bench));
  await primary.call('open', { folder, image: join(folder, 'latency.img'), sizeBytes: 2 ** 30 });
  stack.defer(() => primary.call('close'));
  await primary.call('makeFile', path, fileBytes);
  await primary.call('takeCp');
  await primary.call('setCpInterval', 1000);
  const [during, between]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    const writes = await quietly(bench, () => writeFor(primary, round));
    const cps = await primary.call('cps');
    const isDuring = (write: TimedWrite): boolean => cps.some((cp) => overlap(cp, write));
    const split = Map.groupBy(writes, (write) => (isDuring(write) ? 'during' : 'between'));
    const p99 = (of: 'during' | 'between'): number => percentile((split.get(of) ?? []).map(({ durationMs }) => durationMs), 0.99);
    during.push(p99('during'));
    between.push(p99('between'));
    bench.say(
      `  p99 of ${split.get('during')?.length ?? 0} writes during CPs ${during.at(-1)!.toFixed(2)} ms, ` +
        `of ${split.get('between')?.length ?? 0} between ${between.at(-1)!.toFixed(2)} ms`,
    );
  }
  return { write_p99_in_cp: { ours: during, peer: between } };
}

function overlap(one: TimedWrite, other: TimedWrite): boolean {
  return one.startedWallMs < other.startedWallMs + other.durationMs && other.startedWallMs < one.startedWallMs + one.durationMs;
}

async function writeFor(primary: Child<PrimaryService>, seed: number): Promise<TimedWrite[]> {
  const random = new SeededRandom(seed);
  const block = random.bytes(blockBytes);
  const writes: TimedWrite[] = [];
  const untilMs = performance.now() + secondsPerRound * 1000;
  while (performance.now() < untilMs) {
    const startedWallMs = preciseWallMs();
    await primary.call('write', path, random.below(fileBytes / blockBytes) * blockBytes, block);
    writes.push({ startedWallMs, durationMs: preciseWallMs() - startedWallMs });
  }
  return writes;
}
