import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { testSeed } from '../seed.ts';
import { decoders, fuzz, offered, sharesOf } from './fuzz-run.ts';
import { HeapWatch } from './heap-watch.ts';
import { exportedDecoders } from './exported-decoders.ts';

const inputs = 1_000_000;
const minute = 60_000;

/** More than any decoder needs for one input of a few KiB, and less than a length out of a hostile input asks for. */
const growthMaxBytes = 64 << 20;

describe(`decoders, seed ${testSeed}`, () => {
  it('are all known: every exported decoder of what others can spoil is fuzzed', () => {
    const known = new Set(decoders.flatMap(({ by }) => by.map((name) => name.split('.')[0])));
    const found = exportedDecoders();
    expect(found.length).toBeGreaterThan(40);
    expect(found.filter(({ name }) => !known.has(name))).toEqual([]);
  });

  it('take what is valid', async () => {
    for (const decoder of decoders) {
      const random = new SeededRandom(testSeed);
      let isTaken = false;
      for (let round = 0; !isTaken && round < 100; round++) isTaken = await offered(decoder, decoder.sample(random), random);
      expect(isTaken, decoder.what).toBe(true);
    }
  });

  it(`take or refuse ${inputs.toLocaleString('en')} inputs, half of them noise, with bounded memory and coded faults alone`, { timeout: 10 * minute }, async () => {
    const sum = { inputs: 0, taken: 0, refused: 0 };
    const watch = new HeapWatch();
    for (const [decoder, share] of sharesOf(inputs)) {
      const counts = await fuzz(decoder, { seed: testSeed, inputs: share });
      for (const part of ['inputs', 'taken', 'refused'] as const) sum[part] += counts[part];
      expect(watch.growthBytes(), decoder.what).toBeLessThan(growthMaxBytes);
    }
    expect(sum.inputs).toBeGreaterThanOrEqual(inputs);
    expect(Math.min(sum.taken, sum.refused)).toBeGreaterThan(inputs / 20);
  });
});
