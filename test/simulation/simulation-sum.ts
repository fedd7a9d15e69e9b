import { emptyReport, type SimulationReport } from './simulation-report.ts';

/** How long each seed runs, and how near its CPs are: that and the seed together always do the same. */
export interface SimulationLength {
  readonly rounds: number;
  readonly roundMs: number;
  /** A CP comes after each change or two. Left out in what older runs wrote. */
  readonly isDense?: boolean;
}

/** What runs a seed again. */
export function replayOf(seed: number, { rounds, roundMs, isDense }: SimulationLength): string {
  return `node test/simulation/sim.ts --seed ${seed} --rounds ${rounds} --round-ms ${roundMs}${isDense === true ? ' --dense' : ''}`;
}

/** A seed that broke a promise. */
export interface FailedSeed {
  readonly seed: number;
  readonly violation: string;
}

/** What many seeds did and met together. Plain data: it goes into a file and comes back. */
export interface SimulationSum {
  seeds: number;
  readonly total: SimulationReport;
  readonly failed: FailedSeed[];
}

export function emptySum(): SimulationSum {
  return { seeds: 0, total: emptyReport(0), failed: [] };
}

export function addReport(sum: SimulationSum, report: SimulationReport): void {
  sum.seeds++;
  if (report.violation !== undefined) sum.failed.push({ seed: report.seed, violation: report.violation });
  addNumbers(sum.total as unknown as Numbers, report as unknown as Numbers);
}

interface Numbers {
  [name: string]: number | Numbers;
}

function addNumbers(to: Numbers, from: Numbers): void {
  for (const [name, value] of Object.entries(to)) {
    const more = from[name];
    if (typeof value === 'number' && typeof more === 'number') to[name] = value + more;
    else if (typeof value === 'object' && typeof more === 'object') addNumbers(value, more);
  }
}

/** The one line of JSON that a run ends with. */
export function lineOf({ seeds, total, failed }: SimulationSum, more: object): string {
  const { virtualMs, events, changes, syncs, consistencyPoints, mirrorCommits, snapshots, crashes, stops } = total;
  const { faults, heals, resyncs, probes, views, quietPoints, failovers, setAside } = total;
  return JSON.stringify({
    seeds,
    virtual_time_s: Math.round(virtualMs / 1000),
    consistency_points: consistencyPoints,
    mirror_commits: mirrorCommits,
    crashes: crashes.primary + crashes.mirror,
    faults: { ...faults, crashes_of_primaries: crashes.primary, crashes_of_mirrors: crashes.mirror },
    heals,
    violations: failed.length,
    failed_seeds: failed,
    ...{ events, changes, syncs, snapshots, stops, resyncs, failovers, probes, views },
    quiet_points: quietPoints,
    set_aside: setAside,
    ...more,
  });
}
