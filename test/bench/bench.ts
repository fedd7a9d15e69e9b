/**
 * Measures a mirrored volume beside other programs that keep a copy, on the
 * same data and in one run: `node test/bench/bench.ts [--quick] [--json FILE]`.
 *
 *   --quick          a sixteenth of the data
 *   --rounds N       figures are medians of N times, 3 unless given
 *   --json FILE      writes the figures there
 *   --ours           leaves the peers and the growth out, for work on our own speed
 *   --profile DIR    writes CPU profiles of the two servers there
 *   --work DIR       makes its files below DIR instead of the system's folder for temporary files
 *
 * Steps of ours end when the mirror has committed durably and a reader finds the
 * data there; rsync and btrfs are timed as they return.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DataSet, quickShare } from './data-set.ts';
import { measureGrowth } from './growth.ts';
import { missing } from './peers.ts';
import { reportOf, textOf } from './report.ts';
import { measureRounds } from './rounds.ts';

const seed = 2026;
const gib = 2 ** 30;
const usedGibOfGrowth = [1, 64];

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    ours: { type: 'boolean', default: false },
    profile: { type: 'string' },
    work: { type: 'string', default: tmpdir() },
  },
});

const say = (text: string): void => {
  console.error(text);
};
const share = flags.quick ? quickShare : 1;
const nodeArguments = flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(flags.profile)}`];
if (!flags.ours) for (const reason of new Set(Object.values(missing))) if (reason !== undefined) say(`left out: ${reason}`);

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    say('interrupted: taking everything down');
    interruption.abort();
  });
}

const work = mkdtempSync(join(flags.work, 'mirrorpoint-bench-'));
using cleanup = new DisposableStack();
cleanup.defer(() => {
  rmSync(work, { recursive: true, force: true });
});

await measure();

async function measure(): Promise<void> {
  const data = new DataSet({ seed, share });
  const sizeBytes = Math.max(2 * gib, (8 * gib) / share);
  const samples = await measureRounds({
    data,
    work,
    sizeBytes,
    roundCount: Number(flags.rounds),
    nodeArguments,
    withPeers: !flags.ours,
    signal: interruption.signal,
    say,
  });
  const growth = [];
  for (const usedGib of flags.ours ? [] : usedGibOfGrowth) {
    say(`a volume with ${usedGib / share} GiB in use`);
    growth.push(await measureGrowth({ work, usedBytes: (usedGib * gib) / share }));
  }
  const report = reportOf({ quick: flags.quick, samples, growth });
  console.log(textOf(report));
  if (flags.json !== undefined) {
    const machine = { processors: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version };
    writeFileSync(flags.json, `${JSON.stringify({ ...report, machine }, undefined, 2)}\n`);
  }
}
