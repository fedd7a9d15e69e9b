import { median } from './stopwatch.ts';

/** In the order in which they are shown. */
export const figureNames = [
  'incremental_vs_btrfs',
  'incremental_vs_rsync',
  'incremental_vs_limit',
  'wire_vs_btrfs',
  'baseline_vs_btrfs',
  'baseline_vs_rsync',
  'baseline_vs_limit',
  'import_vs_cp',
  'import_vs_limit',
  'coalesce',
  'cp_cost_growth',
  'open_ms_growth',
  'rss_mib',
  'write_p99_in_cp',
  'lag_p99_s',
  'fsync_vs_btrfs',
  'restore_vs_cp',
  'list_100k_ms',
  'snapshots_10k',
  'resync_bytes',
  'compare_vs_rsync',
] as const;

export type FigureName = (typeof figureNames)[number];
export type Unit = 's' | 'ms' | 'bytes' | 'MiB' | '1/s';

/** What a figure is of, and what is wanted of it. */
export interface FigureRule {
  /** What is measured, and beside what. */
  readonly label: string;
  readonly unit: Unit;
  /** Of the ratio; of our own value where there is no peer by nature. null: nothing is asked of it. */
  readonly goal: number | null;
  /** What the goal bounds: nothing above it, or nothing below it. */
  readonly bound: 'at most' | 'at least';
  /** Our own value alone is judged. */
  readonly isAbsolute: boolean;
}

const ratio = (label: string, unit: Unit, goal: number | null): FigureRule => ({ label, unit, goal, bound: 'at most', isAbsolute: false });
const absolute = (label: string, unit: Unit, goal: number): FigureRule => ({ label, unit, goal, bound: 'at most', isAbsolute: true });

export const figureRules: Readonly<Record<FigureName, FigureRule>> = {
  incremental_vs_btrfs: ratio('incremental (btrfs send | receive)', 's', 0.25),
  incremental_vs_rsync: ratio('incremental (rsync -a --inplace)', 's', 0.05),
  incremental_vs_limit: ratio('incremental (its blocks written to two files, and flushed)', 's', null),
  wire_vs_btrfs: ratio('bytes of an incremental (btrfs send)', 'bytes', 1),
  baseline_vs_btrfs: ratio('baseline (btrfs send | receive)', 's', 0.35),
  baseline_vs_rsync: ratio('baseline (rsync -a --inplace)', 's', null),
  baseline_vs_limit: ratio('baseline, large files (slower of dd with fsync and TLS)', 's', 1.4),
  import_vs_cp: ratio('import, mirrored (cp -a to ext4, sync)', 's', 1),
  import_vs_limit: ratio('import, mirrored (its bytes into two files and through TLS)', 's', null),
  coalesce: ratio('bytes sent for 20 overwrites in one interval (the file)', 'bytes', 1.02),
  cp_cost_growth: ratio('CP of 10 MiB at 256 GiB in use (at 1 GiB)', 'ms', 1.2),
  open_ms_growth: ratio('opening at 256 GiB in use (at 1 GiB)', 'ms', 1.2),
  rss_mib: absolute('memory of the primary at its peak, at 256 GiB in use', 'MiB', 256),
  write_p99_in_cp: ratio('p99 of a 4 KiB write during a CP (between CPs)', 'ms', 2),
  lag_p99_s: absolute('p99 until a write is readable on the mirror, at 50 MB/s', 's', 2),
  fsync_vs_btrfs: { label: '4 KiB writes with fsync (file on btrfs)', unit: '1/s', goal: 1, bound: 'at least', isAbsolute: false },
  restore_vs_cp: ratio('restore from a snapshot (cp -a from one of btrfs)', 's', 1.25),
  list_100k_ms: absolute('first page of 100,000 entries of a snapshot, cold', 'ms', 100),
  snapshots_10k: ratio('opening one of 10,000 snapshots (the only one)', 'ms', 1.2),
  resync_bytes: ratio('bytes exchanged when the base is lost (bytes in use)', 'bytes', 0.03),
  compare_vs_rsync: ratio('comparing when the base is lost (rsync, by checksums)', 's', 0.2),
};

/** What was found, one value for each time. */
export interface Measured {
  readonly ours: readonly number[];
  /** A text says why there are none. */
  readonly peer: readonly number[] | string;
}

/** Medians of what was found, and how they stand to the goal. */
export interface Figure {
  readonly ours: number;
  /** null where there is none; `without` says why. */
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly goal: number | null;
  readonly bound: FigureRule['bound'];
  /** null where it cannot be said. */
  readonly met: boolean | null;
  readonly unit: Unit;
  readonly without?: string;
}

export type Figures = Partial<Record<FigureName, Measured>>;

/** The peer of a figure that is judged by itself. */
export const noPeer = 'it is judged by itself';

export function figureOf(name: FigureName, measured: Measured): Figure {
  const { unit, goal, bound, isAbsolute } = figureRules[name];
  const ours = median(measured.ours);
  const peer = typeof measured.peer === 'string' ? null : median(measured.peer);
  const ratioOfBoth = peer === null ? null : ours / peer;
  const judged = isAbsolute ? ours : ratioOfBoth;
  const met = judged === null || goal === null ? null : bound === 'at most' ? judged <= goal : judged >= goal;
  return { ours, peer, ratio: ratioOfBoth, goal, bound, met, unit, ...(typeof measured.peer === 'string' && { without: measured.peer }) };
}
