import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { rootDirectoryInode } from '../../src-main/files/index.ts';
import { makeHugeImage } from './huge-volume.ts';
import { MemoryHome } from './memory-volume.ts';

const run = promisify(execFile);
const gib = 2 ** 30;

interface HugeReport {
  usedBytes: number;
  blocksReadToOpen: number;
  blocksWrittenInCp: number[];
  readBack: boolean;
  memoryPeakBytes: number;
}

async function useHuge(usedGib: number): Promise<HugeReport> {
  const folder = mkdtempSync(join(tmpdir(), 'mirrorpoint-huge-'));
  try {
    const path = join(folder, 'huge.img');
    await makeHugeImage(path, { usedBytes: usedGib * gib, spareBytes: 8 * gib });
    const child = fileURLToPath(new URL('./huge-child.ts', import.meta.url));
    const { stdout } = await run(process.execPath, [child, path]);
    return JSON.parse(stdout) as HugeReport;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a volume with 256 GiB in use opens and takes writes inside 256 MiB of memory', { timeout: 300_000 }, async () => {
  const small = await useHuge(1);
  const huge = await useHuge(256);
  expect(huge.usedBytes).toBeGreaterThan(256 * gib);
  expect(huge.readBack).toBe(true);
  expect(huge.memoryPeakBytes).toBeLessThan(256 << 20);
  // Opening reads the same few blocks whatever the volume holds.
  expect(huge.blocksReadToOpen).toBeLessThanOrEqual(small.blocksReadToOpen + 2);
  // A CP writes what changed and the way to it: at most the tree's height in blocks for each block, and their map blocks.
  for (const blocks of huge.blocksWrittenInCp) expect(blocks).toBeLessThan(2560 * 5);
});

test('10,000 snapshots are kept, listed and opened, and dropping them all gives every block back', { timeout: 300_000 }, async () => {
  const home = new MemoryHome({ sizeBytes: 1 << 30 });
  await using volume = await home.create();
  const ino = await volume.change(16, (files) =>
    files.createFile(rootDirectoryInode, 'file', { mode: 0o644, uid: 0, gid: 0 }),
  );
  const stamp = (count: number): Uint8Array => new TextEncoder().encode(String(count).padStart(4096, '.'));
  await volume.takeCp();
  const usedBefore = volume.status().usedBlockCount;
  for (let count = 0; count < 10_000; count++) {
    await volume.change(3, (files) => {
      files.write(ino, 0, stamp(count));
    });
    await volume.createSnapshot(`s${count}`);
  }
  const snapshots = await volume.listSnapshots();
  expect(snapshots.length).toBe(10_000);
  expect(snapshots.map(({ cp }) => cp)).toEqual(snapshots.map(({ cp }) => cp).sort((a, b) => a - b));
  for (const count of [0, 1, 4711, 9999]) {
    await using view = await volume.openView({ snapshot: `s${count}` });
    const bytes = new Uint8Array(4096);
    await view.readInto(ino, 0, bytes);
    expect(bytes).toEqual(stamp(count));
  }
  expect((await volume.check()).problems).toEqual([]);

  // In an order that leaves gaps of every size on the way.
  for (let stride = 16; stride >= 1; stride /= 2) {
    const doomed = (await volume.listSnapshots()).filter((_, index) => stride === 1 || index % stride !== 0);
    await Promise.all(doomed.map(({ name }) => volume.deleteSnapshot(name)));
    expect((await volume.check()).problems).toEqual([]);
  }
  await volume.takeCp();
  await volume.takeCp();
  expect(await volume.listSnapshots()).toEqual([]);
  expect(volume.status().usedBlockCount).toBeLessThan(usedBefore + 16);
});
