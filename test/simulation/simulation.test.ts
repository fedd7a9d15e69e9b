import { describe, expect, it } from 'vitest';
import { Simulation } from './simulation.ts';
import type { SimulationReport } from './simulation-report.ts';
import { testSeed } from '../seed.ts';

const hour = 3_600_000;
const length = { rounds: 2, roundMs: 4000 };
const knownSeeds = 150;
const freshSeeds = 60;
const fresh = testSeed;

async function runSeeds(first: number, count: number): Promise<SimulationReport[]> {
  const reports: SimulationReport[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const report = await new Simulation({ seed, ...length }).run();
    const text = `replay with node test/simulation/sim.ts --seed ${seed} --rounds ${length.rounds} --round-ms ${length.roundMs}`;
    expect(report.violation, `${text}\n${report.trace?.slice(-25).join('\n') ?? ''}`).toBeUndefined();
    reports.push(report);
  }
  return reports;
}

function sum(reports: readonly SimulationReport[], of: (report: SimulationReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

describe('two servers on virtual time', () => {
  it(`keep every promise: ${knownSeeds} known seeds`, { timeout: hour }, async () => {
    const reports = await runSeeds(1, knownSeeds);
    // What a run must have met to prove anything.
    expect(sum(reports, ({ crashes }) => crashes.primary)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ crashes }) => crashes.mirror)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ faults }) => faults.cuts)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ faults }) => faults.tornWrites)).toBeGreaterThan(10);
    expect(sum(reports, ({ faults }) => faults.deviceErrors)).toBeGreaterThan(10);
    expect(sum(reports, ({ consistencyPoints }) => consistencyPoints)).toBeGreaterThan(knownSeeds * 20);
    expect(sum(reports, ({ mirrorCommits }) => mirrorCommits)).toBeGreaterThan(knownSeeds * 5);
    expect(sum(reports, ({ quietPoints }) => quietPoints)).toBe(knownSeeds * length.rounds);
    expect(sum(reports, ({ failovers }) => failovers)).toBe(knownSeeds * (length.rounds - 1));
    expect(sum(reports, ({ setAside }) => setAside)).toBeGreaterThan(knownSeeds / 4);
  });

  it(`keep every promise: ${freshSeeds} seeds from ${fresh}`, { timeout: hour }, async () => {
    await runSeeds(fresh, freshSeeds);
  });

  it('do the same for the same seed', { timeout: hour }, async () => {
    const [first] = await runSeeds(fresh, 1);
    const [second] = await runSeeds(fresh, 1);
    expect(second).toEqual(first);
  });
});
