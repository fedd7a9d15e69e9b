import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { exploreDifferences, type FoundDifference, type StateSource, StepWork } from '../../src-main/explore/index.ts';
import type { StateChoice } from '../../src-main/explore/states.ts';
import { testSeed } from '../seed.ts';
import { LazyClock } from './lazy-clock.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { modelDifferences } from './difference-model.ts';
import { listAll, type Listing, RandomHistory } from './random-history.ts';

/** All steps of a comparison; `workMax` is what each of them may do. */
async function allDifferences(source: StateSource, pair: { older: StateChoice; newer: StateChoice }, step: { limit: number; workMax?: number }): Promise<FoundDifference[]> {
  const all: FoundDifference[] = [];
  for (let after: string | undefined, steps = 0; ; steps++) {
    const { found, next } = await exploreDifferences(source, { ...pair, after, limit: step.limit }, new StepWork(step.workMax));
    all.push(...found);
    if (next === undefined) return all;
    expect(next, 'every step leads on').not.toBe(after);
    expect(steps).toBeLessThan(10_000);
    after = next;
  }
}

function lineOf({ what, path, from }: FoundDifference): string {
  return what === 'renamed' ? `renamed ${from ?? 'from nowhere'} to ${path}` : `${what} ${path}`;
}

function expectAsModel(found: readonly FoundDifference[], before: Listing, after: Listing): void {
  const { lines, anyOf } = modelDifferences(before, after);
  const told = found.map(lineOf).sort();
  const optional = new Set(anyOf.flat());
  expect(told.filter((line) => !optional.has(line))).toEqual(lines.filter((line) => !optional.has(line)));
  for (const choices of anyOf) expect(choices.some((line) => told.includes(line)), choices.join(' or ')).toBe(true);
  expect(new Set(told).size).toBe(told.length);
}

describe('the differences of two states', () => {
  it.each([testSeed, 1, 2, 3, 4, 5])('are those of two full listings, in steps of any size (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    await using volume = await new MemoryHome({ seed, volume: { clock: new LazyClock(random) } }).create();
    const history = new RandomHistory(volume, random);
    const listings: { at: StateChoice; listing: Listing }[] = [];
    for (let round = 0; round < 5; round++) {
      await history.change(12);
      await volume.createSnapshot(`s${round}`);
      listings.push({ at: { snapshot: `s${round}` }, listing: await listAll(volume) });
    }
    await history.change(8);
    listings.push({ at: 'live', listing: await listAll(volume) });
    for (const before of listings) {
      for (const after of listings) {
        const step = random.below(3) === 0 ? { limit: 500 } : { limit: 1 + random.below(4), workMax: 1 + random.below(60) };
        const found = await allDifferences(volume, { older: before.at, newer: after.at }, step);
        expectAsModel(found, before.listing, after.listing);
      }
    }
  });
});
