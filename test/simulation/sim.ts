import { parseArgs } from 'node:util';
import { Simulation } from './simulation.ts';
import type { SimulationReport } from './simulation-report.ts';

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
const sum = { seeds: 0, virtualMs: 0, events: 0, changes: 0, syncs: 0, consistencyPoints: 0, mirrorCommits: 0, probes: 0, views: 0, quietPoints: 0, failovers: 0, setAside: 0 };
const crashes = { primary: 0, mirror: 0 };
const stops = { primary: 0, mirror: 0 };
const faults = { cuts: 0, stalls: 0, pauses: 0, deviceErrors: 0, lostWrites: 0, tornWrites: 0 };
const violations: { seed: number; violation: string }[] = [];

function add<T extends Record<keyof T, number>>(to: T, from: Record<keyof T, number>): void {
  for (const key of Object.keys(to) as (keyof T)[]) to[key] = (to[key] + from[key]) as T[keyof T];
}

function tell(report: SimulationReport): void {
  if (report.violation === undefined) return;
  violations.push({ seed: report.seed, violation: report.violation });
  const lines = [`seed ${report.seed}: ${report.violation}`, ...(report.trace ?? []).slice(values.seed === undefined ? -20 : 0)];
  process.stderr.write(`${lines.join('\n  ')}\n`);
}

for (let seed = first; seed < first + count; seed++) {
  const report = await new Simulation({ seed, rounds: Number(values.rounds), roundMs: Number(values['round-ms']) }).run();
  add(sum, { ...report, seeds: 1 });
  add(crashes, report.crashes);
  add(stops, report.stops);
  add(faults, report.faults);
  tell(report);
}

const seconds = Math.round((performance.now() - started) / 100) / 10;
process.stdout.write(`${JSON.stringify({ ...sum, crashes, stops, faults, violations, seconds })}\n`);
process.exitCode = violations.length > 0 ? 1 : 0;
