import { describe, expect, it } from 'vitest';
import { bytesEqual, SeededRandom } from '../../src-main/base/index.ts';
import { RootRing } from '../../src-main/consistency/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { testSeed } from '../seed.ts';
import { proveRecovery } from './crash-check.ts';
import { deviceSizes, finalState } from './crash-run.ts';
import { crashModes, type CrashState, crashStates } from './crash-states.ts';
import { Promises, Violation } from './history.ts';
import { MirrorPair, newMirrorSet, proveMirror } from './mirror-pair.ts';
import { smallShape } from './model-operation.ts';
import { PrimaryWorkload } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';

const seed = testSeed;
const hour = 3_600_000;

/** A mirror whose relationship has ended, and what the primary went through. */
interface LeftMirror {
  workload: PrimaryWorkload;
  promises: Promises;
  left: CrashState;
}

/** A primary works for a while, with snapshots and open files, and its mirror follows now and then. */
async function leftMirror(runSeed: number): Promise<LeftMirror> {
  const workload = new PrimaryWorkload({ seed: runSeed, shape: smallShape, snapshotsMax: 5 });
  await workload.create(deviceSizes(1).map((sizeBytes) => new TraceDevice(new Trace(), { name: 'primary', sizeBytes })));
  const trace = new Trace();
  const devices = deviceSizes(2).map((sizeBytes) => new TraceDevice(trace, { name: 'mirror', sizeBytes: sizeBytes + (1 << 20) }));
  const mirrorSet = await newMirrorSet(devices, workload.random);
  const pair = await MirrorPair.start({ volume: workload.volume, mirrorSet, clock: workload.clock });
  for (let round = 0; round < 4; round++) {
    await workload.run(25);
    await workload.createSnapshot();
    if (round % 2 === 1) await pair.untilIdentical();
  }
  await pair.untilIdentical();
  await pair.close();
  await workload.volume.close();
  return { workload, promises: Promises.after(workload.past), left: finalState(trace) };
}

/** What a crash left is the mirror as it was or the promoted volume, whole in either case. Tells which. */
async function proveEither(devices: () => Device[], mirror: LeftMirror, mirrorCp: number): Promise<'mirror' | 'primary'> {
  const { workload, promises } = mirror;
  const set = await DeviceSet.open(devices());
  const found = await new RootRing(set.rootAreas, set.volumeId).newest();
  if (found === undefined) throw new Violation('no root is left');
  if (!bytesEqual(found.root.setId, set.setId)) {
    const volume = await MirrorVolume.open(set, { name: 'mirror', cacheBytes: 256 << 10 });
    await proveMirror(volume, { history: workload.history, promises, leastCp: mirrorCp });
    return 'mirror';
  }
  const promoted = Object.assign(new Promises(), promises, { committedCp: mirrorCp });
  const count = promises.cps.get(mirrorCp)!;
  promoted.cps.set(found.root.cp, count);
  Object.assign(promoted, { durable: count, applied: count, needs: [], snapshots: new Map() });
  await proveRecovery(devices(), { history: workload.history, promises: promoted, seed, changesAfter: 6 });
  return 'primary';
}

describe(`power cut at every write and flush of a promotion, seed ${seed}`, () => {
  it('leaves the mirror at its CP or the promoted volume, never anything else', { timeout: hour }, async () => {
    const seen = { mirror: 0, primary: 0 };
    for (let run = 0; run < 3; run++) {
      const mirror = await leftMirror(seed + run);
      const trace = new Trace();
      const set = await DeviceSet.open(mirror.left.traceDevices(trace));
      const volume = await Volume.promote(set, mirror.workload.volumeOptions, { epoch: 2 });
      const mirrorCp = volume.recovery!.cp;
      await volume.close();
      for (const mode of crashModes) {
        for (const state of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 3 })) {
          const left = proveEither(() => state.devices(), mirror, mirrorCp).catch((fault: unknown) => {
            throw new Error(`SEED=${seed}, run ${run}: ${state.description}`, { cause: fault });
          });
          seen[await left]++;
        }
      }
    }
    expect(seen.mirror).toBeGreaterThan(20);
    expect(seen.primary).toBeGreaterThan(10);
  });
});
