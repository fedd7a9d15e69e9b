import { type BenchRun, quietly } from './bench-run.ts';
import type { Figures } from './figures.ts';
import { MirroredPair } from './mirrored-pair.ts';

const overwrites = 20;
const fileBytes = 64 << 20;
const path = '/again';

/** Overwrites a mirrored file many times in one interval, and counts what goes to the mirror from then until it has the last state. */
export async function measureCoalesce(bench: BenchRun): Promise<Figures> {
  const sizeBytes = fileBytes / bench.share;
  await using pair = await MirroredPair.open({ ...bench, sizeBytes: 2 ** 30 });
  await pair.primary.call('makeFile', path, sizeBytes);
  await pair.follow();
  const ours: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const step = await quietly(bench, () =>
      pair.measure(async () => {
        for (let count = 0; count < overwrites; count++) {
          await pair.primary.call('overwrite', path, { sizeBytes, label: `${round} ${count}` });
        }
        await pair.mirrorNow();
      }),
    );
    ours.push(step.wireBytes);
    bench.say(`  coalesce: ${(step.wireBytes / sizeBytes).toFixed(3)} of the file's bytes, ${step.seconds.toFixed(2)} s`);
  }
  return { coalesce: { ours, peer: [sizeBytes] } };
}
