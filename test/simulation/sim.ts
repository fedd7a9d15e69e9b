import { parseArgs } from 'node:util';
import { Simulation } from './simulation.ts';
import { emptyReport, type SimulationReport } from './simulation-report.ts';

/**
 * `node test/simulation/sim.ts --seeds N [--from S]` runs N seeds and prints one
 * line of JSON; `--seed S` runs one, and prints what led to a violation. The
 * same seed, rounds and length of a round always do the same.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: '2' },
    'round-ms': { type: 'string', default: '12000' },
  },
});

const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const started = performance.now();
const sum = emptyReport(0);
const violations: { seed: number; violation: string }[] = [];

function add(to: object, from: object): void {
  for (const [key, value] of Object.entries(from)) {
    const target = to as Record<string, unknown>;
    if (typeof value === 'number') target[key] = Number(target[key]) + value;
    else if (typeof value === 'object' && key !== 'trace') add(target[key] as object, value as object);
  }
}

function tell(report: SimulationReport): void {
  if (report.violation === undefined) return;
  violations.push({ seed: report.seed, violation: report.violation });
  const lines = [`seed ${report.seed}: ${report.violation}`, ...(report.trace ?? []).slice(values.seed === undefined ? -20 : 0)];
  process.stderr.write(`${lines.join('\n  ')}\n`);
}

for (let seed = first; seed < first + count; seed++) {
  const report = await new Simulation({ seed, rounds: Number(values.rounds), roundMs: Number(values['round-ms']) }).run();
  add(sum, report);
  tell(report);
}

const seconds = Math.round((performance.now() - started) / 100) / 10;
process.stdout.write(`${JSON.stringify({ ...sum, violations, seconds })}\n`);
process.exitCode = violations.length > 0 ? 1 : 0;
