import type { BenchRun } from './bench-run.ts';
import { measureCoalesce } from './coalesce.ts';
import type { FigureName, Figures } from './figures.ts';
import { measureFsync } from './fsync.ts';
import { measureGrowth } from './growth.ts';
import { measureLag } from './lag.ts';
import { measureLatency } from './latency.ts';
import { measureLimit } from './limit.ts';
import { measureListing } from './listing.ts';
import { measureOpening } from './opening.ts';
import type { Report } from './report.ts';
import { measureRestore } from './restore.ts';
import { measureRounds } from './rounds.ts';

export type Found = Omit<Report, 'quick' | 'figures'> & { readonly figures: Figures };

/** What is done once for several figures. */
interface Measurement {
  readonly names: readonly FigureName[];
  /** In a small run it would say nothing, or take as long. */
  readonly isLong?: true;
  readonly measure: (bench: BenchRun, wanted: ReadonlySet<FigureName>) => Promise<Found>;
}

const alone =
  (measure: (bench: BenchRun) => Promise<Figures>) =>
  async (bench: BenchRun): Promise<Found> => ({ figures: await measure(bench) });

export const measurements: readonly Measurement[] = [
  {
    names: [
      'incremental_vs_btrfs',
      'incremental_vs_rsync',
      'incremental_vs_limit',
      'wire_vs_btrfs',
      'baseline_vs_btrfs',
      'baseline_vs_rsync',
      'import_vs_cp',
      'import_vs_limit',
      'resync_bytes',
      'compare_vs_rsync',
    ],
    measure: measureRounds,
  },
  { names: ['baseline_vs_limit'], isLong: true, measure: alone(measureLimit) },
  { names: ['coalesce'], measure: alone(measureCoalesce) },
  { names: ['cp_cost_growth', 'open_ms_growth', 'rss_mib'], measure: measureGrowth },
  { names: ['write_p99_in_cp'], isLong: true, measure: alone(measureLatency) },
  { names: ['lag_p99_s'], isLong: true, measure: alone(measureLag) },
  { names: ['fsync_vs_btrfs'], measure: alone(measureFsync) },
  { names: ['restore_vs_cp'], measure: alone(measureRestore) },
  { names: ['list_100k_ms'], isLong: true, measure: alone(measureListing) },
  { names: ['snapshots_10k'], isLong: true, measure: alone(measureOpening) },
];
