import type { GrowthRow } from './growth.ts';
import type { PairStep } from './mirrored-pair.ts';
import { missing } from './peers.ts';
import type { Samples } from './rounds.ts';
import { median } from './stopwatch.ts';

/** One of our figures beside a peer's; a ratio below 1 is in our favour. null where the peer is missing. */
export interface Figure {
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly unit: 's' | 'bytes';
}

export interface Report {
  readonly quick: boolean;
  readonly figures: Readonly<Record<FigureName, Figure>>;
  /** Of both servers together. */
  readonly processorSeconds: { readonly import: number; readonly baseline: number; readonly incremental: number };
  /** Bytes that the primary sent. */
  readonly wireBytes: { readonly baseline: number; readonly incremental: number };
  readonly memoryPeakBytes: Samples['memoryPeakBytes'];
  readonly growth: readonly GrowthRow[];
}

export type FigureName =
  | 'import_vs_cp'
  | 'baseline_vs_rsync'
  | 'baseline_vs_btrfs'
  | 'incremental_vs_rsync'
  | 'incremental_vs_btrfs'
  | 'wire_vs_btrfs';

function middle<T>(samples: readonly T[], value: (sample: T) => number): number | undefined {
  return samples.length === 0 ? undefined : median(samples.map(value));
}

function figure(unit: Figure['unit'], ours: number, peer: number | undefined): Figure {
  return { ours, peer: peer ?? null, ratio: peer === undefined ? null : ours / peer, unit };
}

export function reportOf(options: { quick: boolean; samples: Samples; growth: readonly GrowthRow[] }): Report {
  const { quick, samples, growth } = options;
  const { rsync, btrfs } = samples;
  const seconds = (step: { seconds: number }): number => step.seconds;
  const wire = (step: { wireBytes: number }): number => step.wireBytes;
  const processor = (step: PairStep): number => step.processorSeconds;
  const baseline = middle(samples.baseline, seconds)!;
  const incremental = middle(samples.incremental, seconds)!;
  const wireBytes = { baseline: middle(samples.baseline, wire)!, incremental: middle(samples.incremental, wire)! };
  return {
    quick,
    figures: {
      import_vs_cp: figure('s', middle(samples.import, seconds)!, middle(samples.cp, Number)),
      baseline_vs_rsync: figure('s', baseline, middle(rsync.baseline, seconds)),
      baseline_vs_btrfs: figure('s', baseline, middle(btrfs.baseline, seconds)),
      incremental_vs_rsync: figure('s', incremental, middle(rsync.incremental, seconds)),
      incremental_vs_btrfs: figure('s', incremental, middle(btrfs.incremental, seconds)),
      wire_vs_btrfs: figure('bytes', wireBytes.incremental, middle(btrfs.incremental, wire)),
    },
    wireBytes,
    processorSeconds: {
      import: middle(samples.import, processor)!,
      baseline: middle(samples.baseline, processor)!,
      incremental: middle(samples.incremental, processor)!,
    },
    memoryPeakBytes: samples.memoryPeakBytes,
    growth,
  };
}

const labels: Readonly<Record<FigureName, string>> = {
  import_vs_cp: 'import, mirrored (cp -a to ext4, sync)',
  baseline_vs_rsync: 'baseline (rsync -a --inplace)',
  baseline_vs_btrfs: 'baseline (btrfs send | receive)',
  incremental_vs_rsync: 'incremental (rsync -a --inplace)',
  incremental_vs_btrfs: 'incremental (btrfs send | receive)',
  wire_vs_btrfs: 'bytes of an incremental (btrfs send)',
};

/** The report as a few short tables. */
export function textOf(report: Report): string {
  const rows = Object.entries(report.figures).map(([name, one]) => {
    const shown = (value: number | null): string =>
      value === null ? '–' : one.unit === 's' ? `${value.toFixed(2)} s` : mebibytes(value);
    return [labels[name as FigureName], shown(one.ours), shown(one.peer), one.ratio === null ? '–' : one.ratio.toFixed(2)];
  });
  const { primary, mirror } = report.memoryPeakBytes;
  const { processorSeconds: processor } = report;
  const growth = report.growth.map((row) => [
    `${(row.usedBytes / 2 ** 30).toFixed(1)} GiB`,
    String(row.cpBlocksWritten),
    row.cpMs.toFixed(1),
    String(row.openBlocksRead),
    row.openMs.toFixed(1),
  ]);
  return [
    table([['step (peer)', 'ours', 'peer', 'ratio'], ...rows]),
    `Bytes on the wire: baseline ${mebibytes(report.wireBytes.baseline)}, incremental ${mebibytes(report.wireBytes.incremental)}.`,
    `Processor time of both servers: import ${processor.import.toFixed(2)} s, baseline ${processor.baseline.toFixed(2)} s, ` +
      `incremental ${processor.incremental.toFixed(2)} s.`,
    `Memory at its peak: primary ${mebibytes(primary)}, mirror ${mebibytes(mirror)}.`,
    ...[...new Set(Object.values(missing))].filter((reason) => reason !== undefined).map((reason) => `Left out: ${reason}.`),
    ...(growth.length === 0 ? [] : ['', table([['in use', 'CP: blocks', 'CP: ms', 'open: blocks', 'open: ms'], ...growth])]),
  ].join('\n');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Columns of equal width, the first to the left and the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '))
    .join('\n');
}
