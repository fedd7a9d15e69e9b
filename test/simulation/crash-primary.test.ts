import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { proveRecovery } from './crash-check.ts';
import { crashRecoveries } from './crash-pairs.ts';
import { crashEverywhere, deviceSizes, finalState, tracedWorkload } from './crash-run.ts';
import { crashModes, crashStates } from './crash-states.ts';
import { type Happening, Promises } from './history.ts';
import { smallShape, type WorkloadShape } from './model-operation.ts';
import { PrimaryWorkload, type WorkloadOptions } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';
import { testSeed } from '../seed.ts';

const seed = testSeed;
const tinyShape: WorkloadShape = { filesMax: 6, fileBytesMax: 3000, writeBytesMax: 400 };
const hour = 3_600_000;

/** So nearly full that a CP writes in many places, and that space is used again soon. */
const fullBlocks = 400;

interface Workload {
  what: string;
  runs: number;
  devices?: number;
  blocks?: number;
  options: Omit<WorkloadOptions, 'seed'>;
}

const basesKept: Workload = { what: 'bases kept for a mirror', runs: 3, options: { shape: smallShape, hasMirror: true } };

const workloads: readonly Workload[] = [
  { what: 'files of all kinds', runs: 2, options: { shape: smallShape } },
  { what: 'files inside their inodes', runs: 1, options: { shape: tinyShape } },
  basesKept,
  { what: 'two devices', runs: 2, devices: 2, blocks: 500, options: { shape: smallShape, hasMirror: true } },
  { what: 'every request durable', runs: 1, options: { shape: smallShape, durability: 'request' } },
  { what: 'many snapshots', runs: 1, options: { shape: smallShape, snapshotsMax: 12, hasMirror: true } },
];

const proven = { states: 0, distinct: 0, opened: 0 };

/** Resolves to the number of different states that recoveries came back with. */
async function proveRun({ devices = 1, blocks = fullBlocks, options }: Workload, runSeed: number): Promise<number> {
  const traced = await tracedWorkload({ ...options, seed: runSeed, stepsBefore: 200, steps: 200, devices, blocks });
  const result = await crashEverywhere(traced, { seed: runSeed, usedOneIn: 80 });
  expect(result.violations.slice(0, 3), `SEED=${seed}, run of seed ${runSeed}`).toEqual([]);
  for (const part of ['states', 'distinct', 'opened'] as const) proven[part] += result[part];
  return result.recoveredCounts.size;
}

describe(`power cut at every write and flush of the primary, seed ${seed}`, () => {
  for (const [index, workload] of workloads.entries()) {
    it(`keeps every promise: ${workload.what}`, { timeout: hour }, async () => {
      // A run whose crashes left few different states proves little, and another one takes its place.
      for (let run = 0, rich = 0; rich < workload.runs; run++) {
        expect(run).toBeLessThan(2 * workload.runs);
        if ((await proveRun(workload, seed + index * 100 + run)) > 5) rich++;
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

  it('a second crash during the recovery from a first one changes nothing, for all pairs on small work', { timeout: hour }, async () => {
    const sum = { recoveries: 0, pairs: 0, opened: 0 };
    for (let run = 0; run < 6; run++) {
      const runSeed = seed + 1000 + run;
      const traced = await tracedWorkload({ seed: runSeed, shape: smallShape, hasMirror: true, stepsBefore: 60, steps: 25, blocks: fullBlocks });
      const found = await crashRecoveries(traced, { seed: runSeed, samplesPerEvent: 12 });
      for (const part of ['recoveries', 'pairs', 'opened'] as const) sum[part] += found[part];
    }
    expect(sum.recoveries).toBeGreaterThan(500);
    expect(sum.pairs).toBeGreaterThan(2000);
    expect(sum.opened).toBeGreaterThan(500);
  });

  it('in 100,000 states, of which 50,000 have not the bytes and promises of another', { timeout: hour }, async ({ skip }) => {
    skip(proven.states === 0, 'the workloads were not run');
    // How many states a run leaves is a matter of chance.
    for (let run = 0; proven.distinct < 50_000; run++) {
      expect(run).toBeLessThan(10);
      await proveRun(basesKept, seed + 2000 + run);
    }
    expect(proven.states).toBeGreaterThan(100_000);
    expect(proven.opened).toBeGreaterThan(10_000);
  });

  it('the final state of a workload is its last one', async () => {
    const { workload, trace, past } = await tracedWorkload({ seed, shape: smallShape, stepsBefore: 60, steps: 40 });
    const promises = Promises.after([...past, ...finalState(trace).marks]);
    const { count } = await proveRecovery(finalState(trace).devices(), { history: workload.history, promises, seed });
    expect(workload.history.text(count)).toBe(workload.history.text(workload.history.count));
  });
});
