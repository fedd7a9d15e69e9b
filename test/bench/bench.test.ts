import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { applyChanges, DataSet, FolderTarget, quickShare } from './data-set.ts';
import { type FigureName, figureNames, figureRules } from './figures.ts';
import { missing } from './peers.ts';
import type { Report } from './report.ts';

const run = promisify(execFile);

/** A small run leaves these out. */
const leftOut: ReadonlySet<FigureName> = new Set(['baseline_vs_limit', 'write_p99_in_cp', 'lag_p99_s', 'list_100k_ms', 'snapshots_10k']);

/** Why figures have no peer on this machine. */
const absent: Partial<Record<FigureName, string | undefined>> = {
  import_vs_cp: missing.cp,
  baseline_vs_rsync: missing.rsync,
  baseline_vs_btrfs: missing.btrfs,
  incremental_vs_rsync: missing.rsync,
  incremental_vs_btrfs: missing.btrfs,
  wire_vs_btrfs: missing.btrfs,
  fsync_vs_btrfs: missing.btrfs,
  restore_vs_cp: missing.btrfs,
  compare_vs_rsync: missing.rsync,
};

test('the benchmark measures ours beside each peer that is here, and leaves nothing behind', { timeout: 300_000 }, async () => {
  const work = mkdtempSync(join(tmpdir(), 'mirrorpoint-bench-test-'));
  try {
    const json = join(work, 'figures.json');
    const bench = fileURLToPath(new URL('bench.ts', import.meta.url));
    await run(process.execPath, [bench, '--quick', '--rounds', '1', '--work', work, '--json', json]);
    expect(readdirSync(work)).toEqual(['figures.json']);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    expect(Object.keys(report.figures)).toEqual(figureNames.filter((name) => !leftOut.has(name)));
    for (const [name, figure] of Object.entries(report.figures)) {
      const { goal, isAbsolute } = figureRules[name as FigureName];
      expect(figure.ours, name).toBeGreaterThan(0);
      const isAlone = isAbsolute || absent[name as FigureName] !== undefined;
      if (isAlone) expect([figure.peer, figure.ratio], name).toEqual([null, null]);
      else expect(figure.ratio, name).toBeCloseTo(figure.ours / figure.peer!);
      const judged = isAbsolute ? figure.ours : figure.ratio;
      const isMet = figure.bound === 'at most' ? judged! <= goal! : judged! >= goal!;
      expect(figure.met, name).toBe(judged === null || goal === null ? null : isMet);
    }
    // What travels is what there is, and what has changed: not less, and not several times as much.
    const dataBytes = 2 ** 31 / quickShare;
    expect(report.rounds!.wireBytes.baseline).toBeGreaterThan(dataBytes);
    expect(report.rounds!.wireBytes.baseline).toBeLessThan(dataBytes * 1.5);
    expect(report.rounds!.wireBytes.incremental).toBeGreaterThan(dataBytes / 100);
    expect(report.rounds!.wireBytes.incremental).toBeLessThan(dataBytes / 25);
    expect(report.figures.resync_bytes!.ours).toBeGreaterThan(dataBytes / 100);
    expect(report.figures.resync_bytes!.ours).toBeLessThan(dataBytes / 25);
    expect(report.figures.coalesce!.ratio).toBeGreaterThanOrEqual(1);
    await run(process.execPath, [fileURLToPath(new URL('plot.ts', import.meta.url)), json, '--out', join(work, 'figures.svg')]);
    const drawing = readFileSync(join(work, 'figures.svg'), 'utf8');
    for (const [name, { goal }] of Object.entries(report.figures)) expect(drawing.includes(`>${name}<`), name).toBe(goal !== null);
    expect(drawing.match(/class="(met|missed)"/g)).toHaveLength(Object.values(report.figures).filter(({ met }) => met !== null).length);
    const [small, large] = report.growth!;
    expect(large!.usedBytes).toBeGreaterThan(32 * small!.usedBytes);
    expect(large!.openBlocksRead).toBeLessThanOrEqual(small!.openBlocksRead + 2);
    expect(large!.cpBlocksWritten).toBeLessThan(small!.cpBlocksWritten * 1.5);
  } finally {
    rmSync(work, { recursive: true });
  }
});

test('a seed decides the data and its changes', async () => {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'mirrorpoint-bench-data-')));
  try {
    for (const folder of folders) {
      const data = new DataSet({ seed: 3, share: 400 });
      data.make(join(folder, 'data'));
      for (let count = 0; count < 3; count++) await applyChanges(data.nextChanges(), new FolderTarget(join(folder, 'data')));
    }
    await run('diff', ['-r', ...folders]);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
});
