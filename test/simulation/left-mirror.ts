import type { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume, type RootViewAt } from '../../src-main/volume/index.ts';
import { deviceSizes, finalState } from './crash-run.ts';
import type { CrashState } from './crash-states.ts';
import { Promises } from './history.ts';
import { MirrorPair, newMirrorSet } from './mirror-pair.ts';
import { smallShape } from './model-operation.ts';
import { PrimaryWorkload } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';

/** A mirror whose relationship has ended, and what the primary went through. */
export interface LeftMirror {
  workload: PrimaryWorkload;
  promises: Promises;
  left: CrashState;
}

/** A primary works for a while, with snapshots and open files, and its mirror follows now and then. */
export async function leftMirror(runSeed: number): Promise<LeftMirror> {
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

/** Names and CPs of the snapshots on the left mirror, and its own CP. */
export async function statesOf(left: CrashState): Promise<{ at: RootViewAt; cp: number }[]> {
  const mirror = await MirrorVolume.open(await DeviceSet.open(left.devices()), { name: 'mirror' });
  const snapshots = await mirror.listSnapshots();
  const last = { at: 'last' as const, cp: mirror.committed!.cp };
  await mirror.close();
  return [last, ...snapshots.map(({ name, cp }) => ({ at: { snapshot: name }, cp }))];
}

/** A mirror that was receiving another root, not one of its own history, over the blocks of the one that it serves. */
export async function overrun(mirror: LeftMirror, random: SeededRandom): Promise<LeftMirror> {
  const trace = new Trace();
  const volume = await MirrorVolume.open(await DeviceSet.open(mirror.left.traceDevices(trace)), { name: 'mirror', cacheBytes: 256 << 10 });
  await volume.beginComparison();
  for (let vbn = 0; vbn < 300; vbn += 1 + random.below(6)) await volume.writeBlocks(vbn, [random.bytes(4096)]);
  await volume.flush();
  await volume.close();
  return { ...mirror, left: finalState(trace) };
}
