import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { testSeed } from '../seed.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

/** Drops the base at any moment of a mirror's life: while CPs stream, while it catches up, while it compares, while it is away. */
async function dropAtAnyMoment(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await using lab = new MirrorLab({ seed, primaryBytes: 24 << 20 });
  await lab.start();
  const contents = new Map<string, Uint8Array>();
  const change = async (): Promise<void> => {
    const name = `file ${random.below(6)}`;
    const content = random.bytes(random.below(600_000));
    if (contents.has(name)) await lab.remove(name);
    await lab.put(name, content);
    contents.set(name, content);
  };
  for (let index = 0; index < 4; index++) await change();
  await lab.primary.createSnapshot('first');
  await lab.untilIdentical();
  let drops = 0;
  for (let round = 0; round < 30; round++) {
    for (let count = random.below(3); count > 0; count--) await change();
    const cp = random.chance(0.7) ? lab.primary.takeCp() : undefined;
    await lab.settle(random.below(40));
    if (random.chance(0.4)) {
      lab.relationship.dropBase();
      drops++;
    }
    await cp;
    if (random.chance(0.15)) lab.cut();
    if (random.chance(0.15)) await lab.restartMirror();
    await lab.settle(random.below(200));
    // Whatever happens, the mirror shows one whole CP.
    if (random.chance(0.3)) expect((await lab.mirror.check()).problems, `round ${round}`).toEqual([]);
    if (random.chance(0.3)) lab.relationship.resume();
  }
  expect(drops).toBeGreaterThan(3);
  lab.relationship.resume();
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(lab.relationship.isBaseDropped).toBe(false);
  expect((await lab.mirror.check()).problems).toEqual([]);
  expect((await lab.primary.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  for (const [name, content] of contents) expectBytes(await contentOf(view, name), content);
}

describe('a base that is dropped', () => {
  it.each(Array.from({ length: 4 }, (_, index) => testSeed + index))(
    'at any moment leaves the mirror whole, and it follows again by comparison (seed %i)',
    dropAtAnyMoment,
  );
});
