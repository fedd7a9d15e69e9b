import { describe, expect, it } from 'vitest';
import { bytesEqual, SeededRandom } from '../../src-main/base/index.ts';
import { RootRing } from '../../src-main/consistency/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume, type RootViewAt, Volume } from '../../src-main/volume/index.ts';
import { testSeed } from '../seed.ts';
import { proveRecovery } from './crash-check.ts';
import { crashModes, crashStates } from './crash-states.ts';
import { Promises, Violation } from './history.ts';
import { type LeftMirror, leftMirror, overrun, statesOf } from './left-mirror.ts';
import { proveMirror } from './mirror-pair.ts';
import { Trace } from './trace-device.ts';

const seed = testSeed;
const hour = 3_600_000;

/** What a crash left is the mirror as it was or the promoted volume, whole in either case. Tells which. */
async function proveEither(devices: () => Device[], mirror: LeftMirror, cps: { mirror: number; live: number }): Promise<'mirror' | 'primary'> {
  const { workload, promises } = mirror;
  const set = await DeviceSet.open(devices());
  const found = await new RootRing(set.rootAreas, set.volumeId).newest();
  if (found === undefined) throw new Violation('no root is left');
  if (!bytesEqual(found.root.setId, set.setId)) {
    const volume = await MirrorVolume.open(set, { name: 'mirror', cacheBytes: 256 << 10 });
    await proveMirror(volume, { history: workload.history, promises, leastCp: cps.mirror });
    return 'mirror';
  }
  // What it shows is the state that was promoted, and its own CP froze just that.
  const count = promises.cps.get(cps.live)!;
  const promoted = Object.assign(new Promises(), { committedCp: cps.mirror, durable: count, applied: count });
  for (const [cp, at] of promises.cps) if (cp <= cps.live) promoted.cps.set(cp, at);
  for (let cp = cps.mirror + 1; cp <= found.root.cp; cp++) promoted.cps.set(cp, count);
  await proveRecovery(devices(), { history: workload.history, promises: promoted, seed, changesAfter: 6 });
  return 'primary';
}

/** Cuts the power at every write and flush of a promotion; counts what was left. */
async function cutEverywhere(mirror: LeftMirror, state: { at: RootViewAt; cp: number }): Promise<{ mirror: number; primary: number }> {
  const seen = { mirror: 0, primary: 0 };
  const trace = new Trace();
  const set = await DeviceSet.open(mirror.left.traceDevices(trace));
  const volume = await Volume.promote(set, mirror.workload.volumeOptions, { epoch: 2, at: state.at });
  const cps = { mirror: volume.recovery!.cp, live: state.cp };
  await volume.takeCp();
  await volume.close();
  for (const mode of crashModes) {
    for (const left of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 1, skipMarks: true })) {
      const found = proveEither(() => left.devices(), mirror, cps).catch((fault: unknown) => {
        throw new Error(`SEED=${seed}, promoted at CP ${state.cp}: ${left.description}`, { cause: fault });
      });
      seen[await found]++;
    }
  }
  return seen;
}

describe(`power cut at every write and flush of a promotion, seed ${seed}`, () => {
  const timeout = hour;

  it('leaves the mirror at its CP or the promoted volume, at that CP or at the snapshot chosen, never anything else', { timeout }, async () => {
    const mirror = await leftMirror(seed);
    for (const state of await statesOf(mirror.left)) {
      const seen = await cutEverywhere(mirror, state);
      expect(seen.mirror).toBeGreaterThan(10);
      expect(seen.primary).toBeGreaterThan(10);
    }
  });

  it('leaves one of the two as well when blocks of the mirror had to make way for a root that was being received', { timeout }, async () => {
    const mirror = await overrun(await leftMirror(seed), new SeededRandom(seed));
    const [last, snapshot] = await statesOf(mirror.left);
    for (const state of [last!, snapshot!]) {
      const seen = await cutEverywhere(mirror, state);
      expect(seen.mirror).toBeGreaterThan(10);
      expect(seen.primary).toBeGreaterThan(10);
    }
  });
});
