import { describe, expect, it } from 'vitest';
import { present, SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { exploreDeleted, exploreSearch, exploreVersions } from '../../src-main/explore/index.ts';
import { MirrorVolume, type RootViewAt, Volume } from '../../src-main/volume/index.ts';
import { MirrorLab } from '../replication/mirror-lab.ts';
import { testSeed } from '../seed.ts';
import { allDifferences, allSteps, differenceLine, expectAsModel, Hand, named } from './explore-lab.ts';
import { listAll, type Listing, RandomHistory } from './random-history.ts';

async function listingOf(mirror: MirrorVolume, at: RootViewAt): Promise<Listing> {
  await using view = await mirror.openView(at);
  return await listAll(view, true);
}

/** A mirror that was the primary: its own last state is set aside as `before`, and it follows another history. */
async function mirrorOfTwoHistories(lab: MirrorLab, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const change = async (times: number): Promise<void> => {
    lab.clock.pass(1000);
    await new RandomHistory(lab.primary, random).change(times);
  };
  await lab.start();
  await change(20);
  await lab.primary.createSnapshot('both');
  await lab.untilIdentical();
  await lab.relationship.close();
  await change(12);
  await lab.primary.takeCp();
  await lab.primary.close();
  await lab.service.close();
  await lab.mirror.close();
  const old = await DeviceSet.open([lab.reopenedPrimaryDevice()]);
  const copy = await DeviceSet.open([lab.mirrorDevice.reopen()]);
  lab.primary = await Volume.promote(copy, { ...lab.volumeOptions, name: 'promoted' }, { epoch: 2 });
  await change(6);
  await lab.primary.createSnapshot('new');
  await change(6);
  await lab.primary.takeCp();
  await lab.replaceMirror(await MirrorVolume.stepDown(old, { name: 'old primary', setAsideName: 'before', cacheBytes: 4 << 20 }));
  lab.connect();
  await lab.untilIdentical();
  expect(lab.mirror.setAside).toMatchObject({ name: 'before' });
}

describe('the states of a mirror', () => {
  it.each([testSeed, 1, 2, 3])('are compared by what they hold, one set aside from another history too (seed %i)', async (seed) => {
    await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
    await mirrorOfTwoHistories(lab, seed);
    const { mirror } = lab;
    const states: RootViewAt[] = [{ snapshot: 'both' }, { snapshot: 'new' }, { snapshot: 'before' }, 'last'];
    const listings = await Promise.all(states.map((at) => listingOf(mirror, at)));
    for (const [index, older] of states.entries()) {
      for (const [other, newer] of states.entries()) {
        expectAsModel(await allDifferences(mirror, { older, newer }, { limit: 3, workMax: 20 }), listings[index]!, listings[other]!);
      }
    }
    const found = await allSteps((after) => exploreSearch(mirror, { at: 'live', path: '/', text: 'a', isOverAll: true, after, limit: 2 }));
    const told = new Map(found.map(({ path, state }) => [path, named(state)]));
    for (const path of present(listings[2], 'what was set aside').keys()) {
      const isMatch = /a[^/]*$/i.test(path);
      if (isMatch) expect(told.has(path), `${path}, which was set aside`).toBe(true);
    }
  });

  it('are those of its own line and the one set aside, where its CP stands', async () => {
    await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
    await mirrorOfTwoHistories(lab, 7);
    const { versions } = await exploreVersions(lab.mirror, { path: '/', limit: 100 });
    const order = versions.flatMap(({ newest, oldest }) => [newest.cp, oldest.cp]);
    expect(order).toEqual([...order].sort((a, b) => b - a));
    expect(versions.map(({ newest }) => named(newest))).toContain('before');
    expect(versions.reduce((sum, { stateCount }) => sum + stateCount, 0)).toBe(4);
    expect(versions[0]!.newest).toMatchObject({ kind: 'last', cp: lab.mirror.committed!.cp });
  });

  it('are looked through while CPs come in and snapshots go, and whatever is told is true of its state', { timeout: 60_000 }, async () => {
    await using lab = new MirrorLab({ primaryBytes: 64 << 20 });
    await lab.start();
    const hand = new Hand(lab.primary);
    const names = Array.from({ length: 40 }, (_, index) => `file ${index}`);
    for (const [index, name] of names.entries()) {
      await hand.file(`/${name}`);
      if (index > 0) await hand.remove(`/${names[index - 1]!}`);
      await lab.primary.createSnapshot(`s${index}`);
    }
    await lab.untilIdentical();
    const { mirror } = lab;
    let after: string | undefined;
    const told = new Map<string, string>();
    for (let step = 0; ; step++) {
      const result = await exploreDeleted(mirror, { at: 'live', path: '/', after, limit: 3 });
      for (const { name, last } of result.found) told.set(name, named(last));
      after = result.next;
      if (after === undefined) break;
      // The snapshot that the next step would go on with goes, and a CP comes in.
      if (step % 3 === 0) await lab.primary.deleteSnapshot(`s${36 - 3 * step}`).catch(() => undefined);
      await hand.file(`/later ${step}`);
      await lab.primary.takeCp();
      await lab.untilIdentical();
    }
    for (const [name, state] of told) expect(state).toBe(`s${names.indexOf(name)}`);
    const left = (await mirror.listSnapshots()).map(({ name }) => name);
    for (const name of left.slice(0, -1)) expect([...told.values()]).toContain(name);
    const changed = await allDifferences(mirror, { older: { snapshot: 's39' }, newer: 'last' });
    expect(changed.every((difference) => differenceLine(difference).startsWith('added /later'))).toBe(true);
    expect(mirror.neededCps).toEqual([]);
  });
});
