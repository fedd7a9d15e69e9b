import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, ImageFile } from '../../src-main/device/index.ts';
import { makeHugeVolume } from '../volume/huge-volume.ts';
import { run } from './command.ts';
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

const runs = 3;
const spareBytes = 2 ** 30;

/** Opens and changes a volume with so many bytes in use, in a process of its own; medians of several. */
export async function measureGrowth(options: { work: string; usedBytes: number }): Promise<GrowthRow> {
  const path = join(options.work, 'large.img');
  const random = new SeededRandom(1);
  try {
    const image = await ImageFile.create(path, { sizeBytes: options.usedBytes + options.usedBytes / 64 + spareBytes });
    const set = await DeviceSet.create([image], {
      volumeId: random.bytes(16),
      setId: random.bytes(16),
      blockSizeBytes: 4096,
      journalBytes: 32 << 20,
      random,
    });
    const fileBlocks = options.usedBytes / 4096;
    await makeHugeVolume(set, {
      name: 'huge',
      fileBlocks,
      reopen: async () => DeviceSet.open([await ImageFile.open(path)]),
    });
    await run('sync', '-f', path);
    const rows: GrowthRow[] = [];
    for (let count = 0; count < runs; count++) {
      const child = fileURLToPath(new URL('growth-child.ts', import.meta.url));
      rows.push(JSON.parse(await run(process.execPath, child, path)) as GrowthRow);
    }
    const middle = (key: keyof GrowthRow): number => median(rows.map((row) => row[key]));
    return {
      usedBytes: middle('usedBytes'),
      openBlocksRead: middle('openBlocksRead'),
      openMs: middle('openMs'),
      cpBlocksWritten: middle('cpBlocksWritten'),
      cpMs: middle('cpMs'),
      memoryPeakBytes: middle('memoryPeakBytes'),
    };
  } finally {
    rmSync(path, { force: true });
  }
}
