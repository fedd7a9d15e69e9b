import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { proveRecovery } from './crash-check.ts';
import { deviceSizes } from './crash-run.ts';
import { crashModes, type CrashState, crashStates } from './crash-states.ts';
import { type Happening, Promises } from './history.ts';
import { MirrorPair, newMirrorSet, proveMirror } from './mirror-pair.ts';
import { smallShape } from './model-operation.ts';
import { PrimaryWorkload } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';
import { VirtualClock } from './virtual-clock.ts';
import { testSeed } from '../seed.ts';

const seed = testSeed;
const hour = 3_600_000;
const rounds = 5;
const stepsPerRound = 14;

interface MirrorMark {
  kind: 'mirror';
  cp: number;
}

interface MirroredWorkload {
  workload: PrimaryWorkload;
  trace: Trace;
  /** Devices of the primary; those of the mirror come behind them in the trace. */
  primaryDevices: number;
}

/** A primary and its mirror from the first CP on, both on devices of one trace. */
async function mirroredWorkload(runSeed: number): Promise<MirroredWorkload> {
  const trace = new Trace();
  const workload = new PrimaryWorkload({ seed: runSeed, shape: smallShape });
  workload.listener = (happening) => {
    trace.mark(happening);
  };
  const primary = deviceSizes(1).map((sizeBytes) => new TraceDevice(trace, { name: 'primary', sizeBytes }));
  await workload.create(primary);
  const mirrorDevices = deviceSizes(2).map((sizeBytes) => new TraceDevice(trace, { name: 'mirror', sizeBytes: sizeBytes + (1 << 20) }));
  const mirrorSet = await newMirrorSet(mirrorDevices, workload.random);
  const pair = await MirrorPair.start({
    volume: workload.volume,
    mirrorSet,
    clock: workload.clock,
    onCommit: (cp) => {
      trace.mark({ kind: 'mirror', cp } satisfies MirrorMark);
    },
  });
  for (let round = 0; round < rounds; round++) {
    await workload.run(stepsPerRound);
    if (round % 2 === 1) await pair.untilIdentical();
  }
  await workload.takeCp();
  await pair.untilIdentical();
  await pair.close();
  await workload.volume.close();
  return { workload, trace, primaryDevices: primary.length };
}

/** What was said before a crash, to both sides. */
function saidBefore(state: CrashState): { promises: Promises; mirrorCp: number } {
  const marks = state.marks as (Happening | MirrorMark)[];
  const promises = Promises.after(marks.filter((mark) => mark.kind !== 'mirror'));
  const mirrorCp = marks.reduce((cp, mark) => (mark.kind === 'mirror' ? mark.cp : cp), 0);
  return { promises, mirrorCp };
}

async function openMirror(devices: TraceDevice[] | Parameters<typeof DeviceSet.open>[0]): Promise<MirrorVolume> {
  return MirrorVolume.open(await DeviceSet.open(devices), { name: 'mirror', cacheBytes: 256 << 10 });
}

/** Opens both after the crash of both, and lets the mirror catch up. */
async function catchUp(state: CrashState, { workload, primaryDevices }: MirroredWorkload): Promise<void> {
  const devices = state.devices();
  const clock = new VirtualClock(1_900_000_000_000);
  const options = { name: 'primary', clock, random: new SeededRandom(seed), cpIntervalMs: 0, cacheBytes: 256 << 10, poolBytes: 2 << 20 };
  const volume = await Volume.open(await DeviceSet.open(devices.slice(0, primaryDevices)), options);
  const mirrorSet = await DeviceSet.open(devices.slice(primaryDevices));
  const pair = await MirrorPair.start({ volume, mirrorSet, clock });
  await pair.untilIdentical();
  expect(pair.mirror.committedBytes).toEqual(volume.rootBytes);
  expect((await pair.mirror.check()).problems).toEqual([]);
  expect((await volume.check()).problems).toEqual([]);
  const count = await workload.history.countOf(volume, { least: 0, most: workload.history.count }, 'the primary');
  const view = await pair.mirror.openView('last');
  await workload.history.countOf(view, { least: count, most: count }, 'the mirror after catching up');
  await view.close();
  await pair.close();
  await volume.close();
}

async function proveBoth(state: CrashState, mirrored: MirroredWorkload, isFull: boolean): Promise<void> {
  const { workload, primaryDevices } = mirrored;
  const { promises, mirrorCp } = saidBefore(state);
  const mirror = await openMirror(state.devices().slice(primaryDevices));
  // A root on its way may be that of a CP which the primary had made durable and not told of yet.
  await proveMirror(mirror, { history: workload.history, promises, leastCp: mirrorCp });
  await mirror.close();
  if (!isFull) return;
  await proveRecovery(state.devices().slice(0, primaryDevices), { history: workload.history, promises, seed });
  await catchUp(state, mirrored);
}

describe(`power cut at every write and flush of primary and mirror, seed ${seed}`, () => {
  it('the mirror opens at the CP it acknowledged or a later one, whole, and catches up', { timeout: hour }, async () => {
    let states = 0;
    for (let run = 0; run < 5; run++) {
      const seen = new Set<string>();
      const mirrored = await mirroredWorkload(seed + run);
      // Before this the mirror's devices are being labelled, which has its own tests.
      const fromEvent = mirrored.trace.events.findIndex((event) => event.kind === 'mark' && (event.value as Happening | MirrorMark).kind === 'mirror') - 12;
      for (const mode of crashModes) {
        for (const state of crashStates(mirrored.trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 4, skipMarks: true, fromEvent })) {
          // The same bytes with the same promises are proven once.
          if (seen.size === seen.add(state.print).size) continue;
          states++;
          await proveBoth(state, mirrored, states % 5 === 0).catch((fault: unknown) => {
            throw new Error(`SEED=${seed}, run ${run}: ${state.description}`, { cause: fault });
          });
        }
      }
    }
    expect(states).toBeGreaterThan(2000);
  });
});
