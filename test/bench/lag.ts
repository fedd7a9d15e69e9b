import { type BenchRun, quietly } from './bench-run.ts';
import { type Figures, noPeer } from './figures.ts';
import { MirroredPair } from './mirrored-pair.ts';
import { percentile } from './stopwatch.ts';

const fileBytes = 512 << 20;
const stream = { path: '/stream', sizeBytes: fileBytes, seconds: 20, bytesPerSecond: 50e6 };

/**
 * A CP each second, and a steady stream of writes with numbered marks in it. A
 * reader on the mirror looks for the marks all the time; since each state of the
 * mirror is what the volume was at one moment, whoever finds a mark could read
 * everything that was written before it.
 */
export async function measureLag(bench: BenchRun): Promise<Figures> {
  await using pair = await MirroredPair.open({ ...bench, sizeBytes: 4 * 2 ** 30 });
  await pair.primary.call('makeFile', stream.path, fileBytes);
  await pair.follow();
  await pair.primary.call('setCpInterval', 1000);
  const ours: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const markPath = `/mark ${round}`;
    await pair.mirror.child.call('watch', markPath);
    const marks = await quietly(bench, () => pair.primary.call('stream', { ...stream, markPath }));
    await pair.mirrorNow();
    const seen = await pair.mirror.child.call('seen', marks.at(-1)!.number);
    const lags = marks.map(({ number, wallMs }) => (seen.find((one) => one.number >= number)!.wallMs - wallMs) / 1000);
    ours.push(percentile(lags, 0.99));
    bench.say(`  ${marks.length} marks readable after: median ${percentile(lags, 0.5).toFixed(2)} s, p99 ${ours.at(-1)!.toFixed(2)} s`);
  }
  return { lag_p99_s: { ours, peer: noPeer } };
}
