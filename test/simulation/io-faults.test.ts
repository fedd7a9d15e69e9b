import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { proveRecovery } from './crash-check.ts';
import { agedWorkload, finalState, tracedWorkload, type TracedWorkload } from './crash-run.ts';
import { type CrashState, crashStates } from './crash-states.ts';
import { type FaultableOperation, FaultyDevice, type PlannedFault } from './faulty-device.ts';
import { Promises } from './history.ts';
import { smallShape } from './model-operation.ts';
import type { PrimaryWorkload } from './primary-workload.ts';
import { Trace } from './trace-device.ts';
import { testSeed } from '../seed.ts';

const seed = testSeed;
const hour = 3_600_000;
const steps = 40;

const isDeviceFault = (fault: unknown): boolean => isFault(fault, 'device-io') || isFault(fault, 'device-full');

/** Opens an aged volume on devices that will fail as planned, uses it, and proves what it leaves. Resolves to whether the fault happened. */
async function useWithFault(run: number, fault: PlannedFault): Promise<boolean> {
  const { workload, left } = await agedWorkload({ seed: seed + run, shape: smallShape, hasMirror: true, stepsBefore: 60 });
  const trace = new Trace();
  const devices = left.traceDevices(trace).map((device) => new FaultyDevice(device));
  await workload.open(devices);
  const past = [...workload.past];
  workload.listener = (happening) => {
    trace.mark(happening);
  };
  workload.mayFail = isDeviceFault;
  for (const device of devices) device.plan(fault);
  await workload.run(steps);
  const hit = devices.some(({ injected }) => injected.length > 0);
  expect(workload.volume.status().failure).toBeUndefined();
  if (fault.repeat === 'once') {
    for (const device of devices) await device.heal();
    await proveWorking(workload);
  }
  await workload.volume.close().catch((thrown: unknown) => {
    if (!isDeviceFault(thrown)) throw thrown;
  });
  await proveLeft(trace, workload, past);
  return hit;
}

/** A fault that has passed leaves nothing behind: whatever waited is durable with the next CP. */
async function proveWorking(workload: PrimaryWorkload): Promise<void> {
  const { volume, history } = workload;
  await volume.takeCp();
  await history.countOf(volume, { least: history.count, most: history.count }, 'the volume after the fault');
  expect((await volume.check()).problems).toEqual([]);
}

async function proveLeft(trace: Trace, workload: PrimaryWorkload, past: readonly unknown[]): Promise<void> {
  if (trace.events.length === 0) return;
  for (const mode of ['in-order', 'dropped'] as const) {
    const options = { mode, random: new SeededRandom(seed), fromEvent: trace.events.length - 1 };
    for (const state of crashStates(trace, options)) {
      const promises = Promises.after([...past, ...state.marks]);
      await proveRecovery(state.devices(), { history: workload.history, promises, seed, changesAfter: 3, bases: true });
    }
  }
}

const plans: readonly (Pick<PlannedFault, 'operation' | 'error'> & Partial<PlannedFault> & { atLeast: number })[] = [
  { operation: 'write', error: 'EIO', atLeast: 5 },
  { operation: 'write', error: 'ENOSPC', shortBytes: 4096, atLeast: 5 },
  { operation: 'flush', error: 'EIO', atLeast: 5 },
  { operation: 'read', error: 'EIO', atLeast: 1 },
];

describe(`the Nth operation of a device fails, seed ${seed}`, () => {
  for (const repeat of ['once', 'for-ever'] as const) {
    for (const [run, { atLeast, ...plan }] of plans.entries()) {
      it(`${plan.operation} with ${plan.error}, ${repeat}: nothing durable is lost, for every N`, { timeout: hour }, async () => {
        let nth = 0;
        let hit = true;
        while (hit) {
          nth++;
          try {
            hit = await useWithFault(run, { ...plan, nth, repeat });
          } catch (fault) {
            throw new Error(`SEED=${seed}, ${plan.operation} ${nth} ${repeat}`, { cause: fault });
          }
        }
        expect(nth).toBeGreaterThan(atLeast);
      });
    }
  }

  it.each<FaultableOperation>(['read', 'write', 'flush'])('a %s that fails while the volume opens is reported, and the next opening finds all', { timeout: hour }, async (operation) => {
    const counts = { tried: 0, refused: 0 };
    // After some workloads there is nothing to write when the volume opens.
    for (let run = 0; run < 10 && counts.refused <= 5; run++) {
      const traced = await tracedWorkload({ seed: seed + run, shape: smallShape, hasMirror: true, stepsBefore: 60, steps: 60 });
      for (const state of crashStates(traced.trace, { mode: 'in-order', random: new SeededRandom(1), everyNth: 7 })) {
        for (let nth = 1; await openWithFault(traced, state, { operation, nth, error: 'EIO', repeat: 'once' }, counts); nth++);
      }
    }
    expect(counts.tried).toBeGreaterThan(5);
    expect(counts.refused).toBeGreaterThan(5);
  });
});

/** Opens a crashed volume on a device with a fault, and then without; resolves to whether the fault happened. */
async function openWithFault(
  { workload, past }: TracedWorkload,
  state: CrashState,
  fault: PlannedFault,
  counts: { tried: number; refused: number },
): Promise<boolean> {
  const trace = new Trace();
  const devices = state.traceDevices(trace).map((device) => new FaultyDevice(device));
  for (const device of devices) device.plan(fault);
  counts.tried++;
  try {
    const volume = await Volume.open(await DeviceSet.open(devices), { ...workload.volumeOptions, random: new SeededRandom(7) });
    await volume.sync();
  } catch (thrown) {
    if (!isDeviceFault(thrown) && !isFault(thrown, 'volume-damaged')) throw thrown;
    counts.refused++;
  }
  if (trace.events.length > 0) {
    const promises = await promisesAfterRecovery(workload, await asCleared(state, trace), Promises.after([...past, ...state.marks]));
    await proveRecovery(finalState(trace).devices(), { history: workload.history, promises, seed, changesAfter: 3, bases: true });
  }
  return devices.some(({ injected }) => injected.length > 0);
}

/**
 * The devices of a crash without the copies of roots that a recovery could not
 * read and so has cleared: of a root that stands in one copy alone nobody was
 * told, and it may as well never have been.
 */
async function asCleared(state: CrashState, trace: Trace): Promise<Device[]> {
  const devices = state.devices();
  for (const event of trace.events) {
    if (event.kind === 'flush') continue;
    if (event.kind !== 'write' || event.bytes.some((byte) => byte !== 0)) break;
    await devices[event.device]!.write(event.offsetBytes, [event.bytes]);
  }
  return devices;
}

/** A recovery takes a CP or two of what it found, whether it gets to its end or not. */
async function promisesAfterRecovery(workload: PrimaryWorkload, devices: Device[], promises: Promises): Promise<Promises> {
  const { cp, count } = await proveRecovery(devices, { history: workload.history, promises, seed });
  promises.cps.set(cp + 1, count);
  promises.cps.set(cp + 2, count);
  return promises;
}
