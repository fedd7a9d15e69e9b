import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeHugeImage } from '../volume/huge-volume.ts';
import { type BenchRun, forget, quietly } from './bench-run.ts';
import { run } from './command.ts';
import { type Figures, noPeer } from './figures.ts';
import { makeServerFolder } from './server-folder.ts';
import { median } from './stopwatch.ts';

/** What a volume costs with so much in use. */
export interface GrowthRow {
  readonly usedBytes: number;
  readonly openBlocksRead: number;
  readonly openMs: number;
  readonly cpBlocksWritten: number;
  readonly cpMs: number;
  readonly memoryPeakBytes: number;
}

const gib = 2 ** 30;
const usedGib = [1, 256];
/** Of a small run: volumes are made in a time that goes with their size. */
const furtherShare = 2;

/**
 * Opens and changes two volumes in turn, each time in a new process with nothing
 * of them in the system's memory. What they have in use is one file. Its tree of
 * address blocks, the free map and all counts are there and on the disk, one
 * pointer and one bit for each block of the file. The blocks of content are not:
 * they are read as zeros from a sparse image, as their checksums say; whatever
 * is written is real.
 */
export async function measureGrowth(bench: BenchRun): Promise<{ figures: Figures; growth: GrowthRow[] }> {
  const share = bench.share === 1 ? 1 : bench.share * furtherShare;
  const images = usedGib.map((amount) => ({ path: join(bench.work, `${amount}-gib.img`), usedBytes: (amount * gib) / share }));
  try {
    for (const image of images) {
      bench.say(`  making a volume with ${image.usedBytes / gib} GiB in use`);
      await quietly(bench, () => makeHugeImage(image.path, { usedBytes: image.usedBytes, spareBytes: gib + image.usedBytes / 64 }));
    }
    const rows: GrowthRow[][] = images.map(() => []);
    for (let count = 0; count < bench.rounds; count++) {
      for (const [index, { path }] of images.entries()) rows[index]!.push(await quietly(bench, () => runChild(bench, { path, share })));
    }
    const [small, large] = rows as [GrowthRow[], GrowthRow[]];
    const of = (taken: GrowthRow[], key: keyof GrowthRow): number[] => taken.map((row) => row[key]);
    return {
      figures: {
        cp_cost_growth: { ours: of(large, 'cpMs'), peer: of(small, 'cpMs') },
        open_ms_growth: { ours: of(large, 'openMs'), peer: of(small, 'openMs') },
        rss_mib: { ours: of(large, 'memoryPeakBytes').map((bytes) => bytes / 2 ** 20), peer: noPeer },
      },
      growth: rows.map(middleOf),
    };
  } finally {
    for (const { path } of images) rmSync(path, { force: true });
  }
}

async function runChild(bench: BenchRun, { path, share }: { path: string; share: number }): Promise<GrowthRow> {
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'large');
  await forget(path);
  const child = fileURLToPath(new URL('growth-child.ts', import.meta.url));
  return JSON.parse(await run(process.execPath, ...bench.nodeArguments, child, path, folder, String(share))) as GrowthRow;
}

function middleOf(rows: readonly GrowthRow[]): GrowthRow {
  const middle = (key: keyof GrowthRow): number => median(rows.map((row) => row[key]));
  return {
    usedBytes: middle('usedBytes'),
    openBlocksRead: middle('openBlocksRead'),
    openMs: middle('openMs'),
    cpBlocksWritten: middle('cpBlocksWritten'),
    cpMs: middle('cpMs'),
    memoryPeakBytes: middle('memoryPeakBytes'),
  };
}
