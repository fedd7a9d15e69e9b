import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { proveRecovery } from './crash-check.ts';
import { crashEverywhere, deviceSizes, finalState, tracedWorkload, type TracedWorkload } from './crash-run.ts';
import { crashModes, type CrashState, crashStates } from './crash-states.ts';
import { type Happening, Promises } from './history.ts';
import { smallShape, type WorkloadShape } from './model-operation.ts';
import { PrimaryWorkload, type WorkloadOptions } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';
import { testSeed } from '../seed.ts';

const seed = testSeed;
const tinyShape: WorkloadShape = { filesMax: 6, fileBytesMax: 3000, writeBytesMax: 400 };
const hour = 3_600_000;
let provenStates = 0;

const workloads: readonly { what: string; runs: number; devices?: number; options: Omit<WorkloadOptions, 'seed'> }[] = [
  { what: 'files of all kinds', runs: 8, options: { shape: smallShape } },
  { what: 'files inside their inodes', runs: 3, options: { shape: tinyShape } },
  { what: 'bases kept for a mirror', runs: 8, options: { shape: smallShape, hasMirror: true } },
  { what: 'two devices', runs: 4, devices: 2, options: { shape: smallShape, hasMirror: true } },
  { what: 'every request durable', runs: 3, options: { shape: smallShape, durability: 'request' } },
  { what: 'many snapshots', runs: 4, options: { shape: smallShape, snapshotsMax: 12, hasMirror: true } },
];

describe(`power cut at every write and flush of the primary, seed ${seed}`, () => {
  for (const [index, { what, runs, devices, options }] of workloads.entries()) {
    it(`keeps every promise: ${what}`, { timeout: hour }, async () => {
      // A run whose crashes left few different states proves little, and another one takes its place.
      for (let run = 0, rich = 0; rich < runs; run++) {
        expect(run).toBeLessThan(2 * runs);
        const runSeed = seed + index * 100 + run;
        const traced = await tracedWorkload({ ...options, seed: runSeed, stepsBefore: 80, steps: 70, ...(devices !== undefined && { devices }) });
        const result = await crashEverywhere(traced, { seed: runSeed, samplesPerEvent: 2, usedOneIn: 6 });
        expect(result.violations.slice(0, 3), `SEED=${seed}, run ${run}`).toEqual([]);
        if (result.recoveredCounts.size > 5) rich++;
        provenStates += result.states;
      }
    });
  }

  it('a volume that is being created is there once that was acknowledged, and else is refused or whole', { timeout: hour }, async () => {
    const trace = new Trace();
    const workload = new PrimaryWorkload({ seed, shape: smallShape });
    workload.listener = (happening) => {
      trace.mark(happening);
    };
    await workload.create(deviceSizes(2).map((sizeBytes) => new TraceDevice(trace, { sizeBytes })));
    trace.mark({ kind: 'durable', count: 0 } satisfies Happening);
    await workload.run(5);
    const outcomes = { opened: 0, refused: 0 };
    for (const mode of crashModes) {
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 4 })) {
        const promises = Promises.after(state.marks);
        // The first CP is taken inside of the creation, where nobody can watch it freeze.
        promises.cps.set(1, 0);
        try {
          await proveRecovery(state.devices(), { history: workload.history, promises, seed, changesAfter: 3 });
          outcomes.opened++;
        } catch (fault) {
          if (promises.committedCp > 0) throw fault;
          expect(fault).toMatchObject({ code: expect.stringMatching(/^(not-a-volume|volume-damaged)$/) });
          outcomes.refused++;
        }
      }
    }
    expect(outcomes.opened).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });

  it('a second crash during the recovery from a first one changes nothing', { timeout: hour }, async () => {
    let pairs = 0;
    for (let run = 0; run < 2; run++) {
      const runSeed = seed + 1000 + run;
      const traced = await tracedWorkload({ seed: runSeed, shape: smallShape, hasMirror: true, stepsBefore: 40, steps: 25 });
      for (const mode of crashModes) {
        for (const state of crashStates(traced.trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 2, skipMarks: true })) {
          pairs += await crashRecovery(traced, state).catch((fault: unknown) => {
            throw new Error(`SEED=${seed}, run ${run}: ${state.description}`, { cause: fault });
          });
        }
      }
    }
    expect(pairs).toBeGreaterThan(1000);
  });

  it('in at least 10,000 states', ({ skip }) => {
    skip(provenStates === 0, 'the workloads were not run');
    expect(provenStates).toBeGreaterThanOrEqual(10_000);
  });

  it('the final state of a workload is its last one', async () => {
    const { workload, trace, past } = await tracedWorkload({ seed, shape: smallShape, stepsBefore: 60, steps: 40 });
    const promises = Promises.after([...past, ...finalState(trace).marks]);
    const { count } = await proveRecovery(finalState(trace).devices(), { history: workload.history, promises, seed });
    expect(workload.history.text(count)).toBe(workload.history.text(workload.history.count));
  });
});

/** Recovers from one crash, cuts the power at every write and flush of that, and proves each state; resolves to their number. */
async function crashRecovery({ workload, past }: TracedWorkload, state: CrashState): Promise<number> {
  const promises = Promises.after([...past, ...state.marks]);
  const trace = new Trace();
  const count = await recoverTraced(state.traceDevices(trace), trace, workload, promises);
  let pairs = 0;
  for (const mode of crashModes) {
    for (const inner of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 2, skipMarks: true })) {
      const seen = Promises.after([...past, ...state.marks, ...inner.marks]);
      // Nothing is acknowledged in between: what the first recovery found is what every later one finds.
      seen.durable = count;
      seen.applied = count;
      for (const [cp, frozen] of Promises.after([...past, ...state.marks, ...marksOf(trace)]).cps) seen.cps.set(cp, frozen);
      pairs++;
      await proveRecovery(inner.devices(), { history: workload.history, promises: seen, seed, bases: true }).catch((fault: unknown) => {
        throw new Error(inner.description, { cause: fault });
      });
    }
  }
  return pairs;
}

/** Opens a crashed volume on traced devices, takes note of the CP that recovery takes, and leaves it without closing. */
async function recoverTraced(devices: TraceDevice[], trace: Trace, workload: PrimaryWorkload, promises: Promises): Promise<number> {
  const volume = await Volume.open(await DeviceSet.open(devices), { ...workload.volumeOptions, random: new SeededRandom(7) });
  const range = { least: promises.durable, most: promises.applied };
  const count = await workload.history.countOf(volume, range, 'the volume after its first crash');
  const { cp } = volume.root;
  if (cp !== volume.recovery?.cp) {
    trace.mark({ kind: 'frozen', cp, count } satisfies Happening);
    trace.mark({ kind: 'committed', cp, rootBytes: volume.rootBytes } satisfies Happening);
  }
  await volume.sync();
  return count;
}

function marksOf(trace: Trace): unknown[] {
  return trace.events.flatMap((event) => (event.kind === 'mark' ? [event.value] : []));
}
