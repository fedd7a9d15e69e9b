import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src-main/base/index.ts';
import { crashRecoveries } from './crash-pairs.ts';
import { type AgedWorkloadOptions, crashEverywhere, tracedWorkload } from './crash-run.ts';
import { smallShape } from './model-operation.ts';

/**
 * `node test/simulation/crashes.ts --minutes N [--from SEED]` cuts the power at
 * every write and flush of one workload after another, a seed for each, and
 * prints one line of JSON: `states`, of them `distinct` by bytes and promises,
 * of them `opened`; `pairs` of a crash and another one during the recovery, no
 * two of which leave the same. `next` is the seed to go on from. A violation
 * prints its seed, and that seed with `--seeds 1` does it again.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: 'Infinity' }, seeds: { type: 'string', default: 'Infinity' }, from: { type: 'string', default: '1' } },
});

/** What a seed makes of a workload. */
function workloadOf(seed: number): AgedWorkloadOptions & { steps: number } {
  const random = new SeededRandom(seed);
  const devices = random.pick([1, 1, 1, 2, 3]);
  return {
    seed,
    shape: { ...random.pick([smallShape, smallShape, { fileBytesMax: 3000, writeBytesMax: 400 }]), filesMax: 4 + random.below(12) },
    hasMirror: random.chance(0.7),
    snapshotsMax: random.pick([0, 3, 12]),
    durability: random.chance(0.1) ? 'request' : 'sync',
    devices,
    blocks: 350 + 50 * devices + random.below(600),
    stepsBefore: 50 + random.below(250),
    steps: 60 + random.below(140),
  };
}

const from = Number(values.from);
const endMs = performance.now() + Number(values.minutes) * 60_000;
const started = performance.now();
const sum = { states: 0, distinct: 0, opened: 0, recoveries: 0, pairs: 0 };
const violations: { seed: number; violation: string }[] = [];

/** What a fault says, and what its causes say. */
function messagesOf(fault: unknown): string[] {
  if (!(fault instanceof Error)) return [String(fault)];
  return [fault.message, ...(fault.cause === undefined ? [] : messagesOf(fault.cause))];
}

function note(seed: number, fault: unknown): void {
  const violation = messagesOf(fault).join(': ');
  violations.push({ seed, violation });
  process.stderr.write(`seed ${seed}: ${violation}\n`);
}

let seed = from;
for (; seed < from + Number(values.seeds) && performance.now() < endMs; seed++) {
  const workload = workloadOf(seed);
  try {
    const run = await crashEverywhere(await tracedWorkload(workload), { seed, usedOneIn: 40 });
    for (const part of ['states', 'distinct', 'opened'] as const) sum[part] += run[part];
    for (const violation of run.violations) note(seed, violation);
    const pairs = await crashRecoveries(await tracedWorkload({ ...workload, steps: 15 }), { seed, samplesPerEvent: 8 });
    sum.recoveries += pairs.recoveries;
    sum.pairs += pairs.pairs;
    sum.opened += pairs.opened;
  } catch (fault) {
    note(seed, fault);
  }
}

const seconds = Math.round((performance.now() - started) / 100) / 10;
process.stdout.write(`${JSON.stringify({ from, next: seed, ...sum, violations, seconds })}\n`);
process.exitCode = violations.length > 0 ? 1 : 0;
