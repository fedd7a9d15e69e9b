import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LongRun } from './long-run.ts';
import { Simulation } from './simulation.ts';
import type { SimulationReport } from './simulation-report.ts';
import { addReport, emptySum, lineOf, replayOf, type SimulationLength, type SimulationSum } from './simulation-sum.ts';

/**
 * `node test/simulation/sim.ts --seeds N [--from S]` runs N seeds and prints one
 * line of JSON; `--seed S` runs one, and prints what led to a violation. With
 * `--dense`, a CP comes after each change or two. The same seed, rounds, length of
 * a round and `--dense` or not always do the same.
 *
 * `--long [--minutes N] [--processes P] [--state FILE]` runs for as long as one
 * likes on all processors, from where the last run with that state file ended.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: '2' },
    'round-ms': { type: 'string', default: '12000' },
    dense: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '60' },
    processes: { type: 'string', default: String(availableParallelism()) },
    state: { type: 'string', default: join(tmpdir(), 'mirrorpoint-simulation.json') },
    worker: { type: 'boolean', default: false },
  },
});

const length: SimulationLength = { rounds: Number(values.rounds), roundMs: Number(values['round-ms']), isDense: values.dense };

function tell({ seed, violation, trace }: SimulationReport): void {
  if (violation === undefined) return;
  const lines = [`seed ${seed}: ${violation}`, `replay with ${replayOf(seed, length)}`, ...(trace ?? []).slice(values.seed === undefined ? -20 : 0)];
  process.stderr.write(`${lines.join('\n  ')}\n`);
}

/** Runs the seeds that the parent names, until it has no more. */
function serveParent(): void {
  process.on('message', (message) => {
    const asked = message as SimulationLength & { seed: number };
    void new Simulation(asked).run().then((report) => {
      if (process.connected) process.send!(report);
    });
  });
  process.on('disconnect', () => process.exit());
}

async function runLong(): Promise<SimulationSum> {
  const run = new LongRun({ length, minutes: Number(values.minutes), processes: Number(values.processes), stateFile: values.state, onFailure: tell });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      run.stop();
    });
  }
  return run.run();
}

async function runSeeds(): Promise<SimulationSum> {
  const sum = emptySum();
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  for (let seed = first; seed < first + count; seed++) {
    const report = await new Simulation({ seed, ...length }).run();
    addReport(sum, report);
    tell(report);
  }
  return sum;
}

if (values.worker) serveParent();
else {
  const started = performance.now();
  const sum = await (values.long ? runLong() : runSeeds());
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  process.stdout.write(`${lineOf(sum, values.long ? { state: values.state, seconds_of_this_run: seconds } : { seconds })}\n`);
  process.exitCode = sum.failed.length > 0 ? 1 : 0;
}
