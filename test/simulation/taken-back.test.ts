import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { testSeed } from '../seed.ts';
import { History } from './history.ts';
import { type LeftMirror, leftMirror, statesOf } from './left-mirror.ts';
import { costOf, isFull, isRefusal, nextOperation, perform, smallShape } from './model-operation.ts';
import { VirtualClock } from './virtual-clock.ts';

const minute = 60_000;
const seeds = 6;

/** A volume in use, with all the states that it has gone through. */
interface InUse {
  volume: Volume;
  after: History;
  clock: VirtualClock;
  random: SeededRandom;
}

async function expectWhole(volume: Volume, when: string): Promise<void> {
  expect((await volume.check()).problems.map(({ message }) => message), when).toEqual([]);
}

/** Changes, CPs and snapshots by chance, among them the end of snapshots that were there before. */
async function goOn({ volume, after, clock, random }: InUse): Promise<void> {
  for (let step = 0; step < 60; step++) {
    clock.advance(1);
    const dice = random.below(10);
    if (dice === 0) await volume.takeCp();
    else if (dice === 1) await volume.createSnapshot(`after${step}`);
    else if (dice === 2) {
      const snapshots = await volume.listSnapshots();
      if (snapshots.length > 1) await volume.deleteSnapshot(random.pick(snapshots).name);
    } else {
      const operation = nextOperation(random, after.last, smallShape);
      const frees = ['unlink', 'rmdir', 'truncate', 'punch'].includes(operation.kind);
      const change = volume.change(
        costOf(operation, volume.geometry.blockSizeBytes),
        (files) => {
          after.applied(operation, { ino: perform(operation, files), nowNs: clock.nowNs });
        },
        { frees },
      );
      await change.catch((fault: unknown) => {
        if (!isRefusal(fault) && !isFull(fault)) throw fault;
      });
    }
  }
  await volume.takeCp();
  await after.countOf(volume, { least: after.count, most: after.count }, 'the volume in use again');
  await expectWhole(volume, 'in use again');
}

/** Gives up everything kept; what a volume then has in use is its live trees alone. */
async function keepNothing(volume: Volume): Promise<void> {
  volume.setMirrorNeeds('none', undefined);
  for (const { name } of await volume.listSnapshots()) await volume.deleteSnapshot(name);
  for (let cp = 0; cp < 3; cp++) await volume.takeCp();
  expect(volume.bases).toEqual([]);
  expect(volume.root.files.deadlists.blockCount).toBe(0);
  await expectWhole(volume, 'with nothing kept');
}

async function takeBackAndUse({ workload, promises, left }: LeftMirror, state: { at: Parameters<Volume['openView']>[0]; cp: number }): Promise<void> {
  const random = new SeededRandom(testSeed + state.cp);
  const clock = new VirtualClock(1_900_000_000_000);
  const options = { name: 'taken back', clock, random, cpIntervalMs: 0, cacheBytes: 256 << 10, poolBytes: 2 << 20 };
  const devices = left.devices();
  const volume = await Volume.promote(await DeviceSet.open(devices), options, { epoch: 2, at: state.at });
  const count = promises.cps.get(state.cp)!;
  await workload.history.countOf(volume, { least: count, most: count }, 'the promoted volume');
  await expectWhole(volume, 'after the promotion');
  for (const { name, cp } of await volume.listSnapshots()) {
    expect(cp).toBeLessThanOrEqual(state.cp);
    const view = await volume.openView({ snapshot: name });
    await workload.history.proveView(view, promises, `snapshot ${name}`);
    await view.close();
  }
  const after = new History(() => undefined);
  after.states[0] = workload.history.states[count]!;
  await goOn({ volume, after, clock, random });
  await volume.close();
  const again = await Volume.open(await DeviceSet.open(devices.map((device) => device.reopen())), options);
  await expectWhole(again, 'opened again');
  await keepNothing(again);
  await after.countOf(again, { least: after.count, most: after.count }, 'the volume with nothing kept');
  await again.close();
}

describe('a mirror promoted at any of its snapshots, or at its last CP', () => {
  it.each(Array.from({ length: seeds }, (_, run) => testSeed + run))(
    'shows that state, with no block lost or leaked, and goes on from there (seed %i)',
    { timeout: 2 * minute },
    async (seed) => {
      const mirror = await leftMirror(seed);
      const states = await statesOf(mirror.left);
      expect(states.length).toBeGreaterThan(1);
      for (const state of states) await takeBackAndUse(mirror, state);
    },
  );
});
