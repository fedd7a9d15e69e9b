import { describe, expect, it } from 'vitest';
import { Simulation } from './simulation.ts';
import type { FaultCounts, SimulationReport } from './simulation-report.ts';
import { replayOf, type SimulationLength } from './simulation-sum.ts';
import { testSeed } from '../seed.ts';

const hour = 3_600_000;
const knownSeeds = 180;
const shortSeeds = 790;
const freshSeeds = 30;
const freshDenseSeeds = 10;
const fresh = testSeed;

const isShort = (seed: number): boolean => seed > knownSeeds && seed <= knownSeeds + shortSeeds;

/** Two of seven short seeds have a CP after each change or two, some hundred in a second; the others take them as they come. */
const isDense = (seed: number): boolean => isShort(seed) && seed % 7 < 2;

/** What is asked of both together: 100,000 CPs. */
const consistencyPointsMin = { known: 13_000, short: 88_000 };

/** Every third seed has a second round, and so a change of sides. */
const lengthOf = (seed: number): SimulationLength => ({
  rounds: seed % 3 === 0 ? 2 : 1,
  roundMs: isShort(seed) ? 1500 : 4000,
  isDense: isDense(seed),
});

/** Runs that once found something. */
const tellingRuns = [
  { what: 'a mirror that is full in the end begins anew once', seed: 746_876_607, rounds: 2, roundMs: 4000 },
  { what: 'a view on a mirror is told that its base was dropped', seed: 365, rounds: 2, roundMs: 12_000 },
  { what: 'the snapshot table of a mirror that is compared is bad in a block', seed: 225, rounds: 2, roundMs: 12_000 },
  { what: 'a CP comes before what has rotted on the mirror is healed', seed: 739, rounds: 2, roundMs: 12_000 },
];

async function runSeed(seed: number, length: SimulationLength): Promise<SimulationReport> {
  const report = await new Simulation({ seed, ...length }).run();
  expect(report.violation, `replay with ${replayOf(seed, length)}\n${report.trace?.slice(-25).join('\n') ?? ''}`).toBeUndefined();
  return report;
}

async function runSeeds(first: number, count: number, length = lengthOf): Promise<SimulationReport[]> {
  const reports: SimulationReport[] = [];
  for (let seed = first; seed < first + count; seed++) reports.push(await runSeed(seed, length(seed)));
  return reports;
}

const denseLengthOf = (seed: number): SimulationLength => ({ ...lengthOf(seed), roundMs: 1500, isDense: true });

function sum(reports: readonly SimulationReport[], of: (report: SimulationReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

describe('a primary and its mirrors on virtual time', () => {
  it(`keep every promise: ${knownSeeds} known seeds`, { timeout: hour }, async () => {
    const reports = await runSeeds(1, knownSeeds);
    // What a run must have met to prove anything.
    expect(sum(reports, ({ crashes }) => crashes.primary)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ crashes }) => crashes.mirror)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ consistencyPoints }) => consistencyPoints)).toBeGreaterThan(consistencyPointsMin.known);
    expect(sum(reports, ({ mirrorCommits }) => mirrorCommits)).toBeGreaterThan(3000);
    expect(sum(reports, ({ quietPoints }) => quietPoints)).toBe(knownSeeds + Math.floor(knownSeeds / 3));
    expect(sum(reports, ({ failovers }) => failovers)).toBe(Math.floor(knownSeeds / 3));
    expect(sum(reports, ({ setAside }) => setAside)).toBeGreaterThan(knownSeeds / 12);
    expect(sum(reports, ({ heals }) => heals)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ snapshots }) => snapshots.made)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ snapshots }) => snapshots.deleted)).toBeGreaterThan(knownSeeds);
    expect(sum(reports, ({ snapshots }) => snapshots.givenUp)).toBeGreaterThan(knownSeeds / 6);
    expect(sum(reports, ({ faults }) => faults.cuts)).toBeGreaterThan(150);
    expect(sum(reports, ({ faults }) => faults.tornWrites)).toBeGreaterThan(10);
    expect(sum(reports, ({ faults }) => faults.deviceErrors)).toBeGreaterThan(10);
    for (const kind of Object.keys(reports[0]!.faults) as (keyof FaultCounts)[]) {
      expect(sum(reports, ({ faults }) => faults[kind]), kind).toBeGreaterThan(9);
    }
  });

  it(`keep every promise: ${shortSeeds} more seeds, for a shorter time`, { timeout: hour }, async () => {
    const reports = await runSeeds(knownSeeds + 1, shortSeeds);
    expect(sum(reports, ({ consistencyPoints }) => consistencyPoints)).toBeGreaterThan(consistencyPointsMin.short);
    expect(sum(reports, ({ mirrorCommits }) => mirrorCommits)).toBeGreaterThan(15_000);
    expect(sum(reports, ({ crashes }) => crashes.primary + crashes.mirror)).toBeGreaterThan(shortSeeds);
    // The dense ones alone: their mirrors fall several CPs behind, are killed and have their bases given up on the way, and catch up.
    const dense = reports.filter(({ seed }) => isDense(seed));
    const denseCps = sum(dense, ({ consistencyPoints }) => consistencyPoints);
    expect(denseCps).toBeGreaterThan(60_000);
    expect(sum(dense, ({ changes }) => changes)).toBeGreaterThan(45_000);
    expect(sum(dense, ({ mirrorCommits }) => mirrorCommits)).toBeGreaterThan(6000);
    expect(sum(dense, ({ mirrorCommits }) => mirrorCommits)).toBeLessThan(denseCps / 4);
    expect(sum(dense, ({ crashes }) => crashes.primary)).toBeGreaterThan(150);
    expect(sum(dense, ({ crashes }) => crashes.mirror)).toBeGreaterThan(150);
    expect(sum(dense, ({ faults }) => faults.basesDropped)).toBeGreaterThan(300);
    expect(sum(dense, ({ snapshots }) => snapshots.made)).toBeGreaterThan(2000);
    expect(sum(dense, ({ probes }) => probes)).toBeGreaterThan(1000);
  });

  it(`keep every promise: ${freshSeeds} and ${freshDenseSeeds} dense seeds from ${fresh}`, { timeout: hour }, async () => {
    await runSeeds(fresh, freshSeeds);
    await runSeeds(fresh + freshSeeds, freshDenseSeeds, denseLengthOf);
  });

  it.each(tellingRuns)('keep every promise: $what', { timeout: hour }, async ({ seed, rounds, roundMs }) => {
    await runSeed(seed, { rounds, roundMs });
  });

  it.each([
    { what: 'seed', length: lengthOf },
    { what: 'dense seed', length: denseLengthOf },
  ])('do the same for the same $what', { timeout: hour }, async ({ length }) => {
    const [first] = await runSeeds(fresh, 1, length);
    const [second] = await runSeeds(fresh, 1, length);
    expect(second).toEqual(first);
  });
});
