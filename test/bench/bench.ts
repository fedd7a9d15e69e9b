/**
 * Measures a mirrored volume beside other programs that keep a copy, on the
 * same data and in one run: `node test/bench/bench.ts [--quick] [--json FILE]`.
 *
 *   --only A,B       these figures alone
 *   --quick          a small part of the data, without what cannot be small or would take as long
 *   --rounds N       figures are medians of N times, 3 unless given
 *   --json FILE      writes the figures there
 *   --ours           leaves the peers out, for work on our own speed
 *   --profile DIR    writes CPU profiles of the servers there
 *   --work DIR       makes its files below DIR instead of the system's folder for temporary files
 *
 * Steps of ours end when the mirror has committed durably and a reader finds the
 * data there; rsync and btrfs are timed as they return.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchRun } from './bench-run.ts';
import { quickShare } from './data-set.ts';
import { figureNames, type FigureName } from './figures.ts';
import { type Found, measurements } from './measurements.ts';
import { missing } from './peers.ts';
import { reportOf, textOf } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
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
const wanted = wantedFigures(flags.only);
if (!flags.ours) for (const reason of new Set(Object.values(missing))) if (reason !== undefined) say(`left out: ${reason}`);

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (!interruption.signal.aborted) say('interrupted: taking everything down');
    interruption.abort();
  });
}

const work = mkdtempSync(join(flags.work, 'mirrorpoint-bench-'));
using cleanup = new DisposableStack();
cleanup.defer(() => {
  rmSync(work, { recursive: true, force: true });
});

await measure({
  work,
  share: flags.quick ? quickShare : 1,
  rounds: Number(flags.rounds),
  nodeArguments: flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(flags.profile)}`],
  withPeers: !flags.ours,
  signal: interruption.signal,
  say,
});

async function measure(bench: BenchRun): Promise<void> {
  let found: Found = { figures: {} };
  for (const { names, isLong, measure: take } of measurements) {
    const asked = new Set(names.filter((name) => wanted.has(name)));
    if (asked.size === 0) continue;
    if (flags.quick && isLong === true) {
      say(`left out of a quick run: ${names.join(', ')}`);
      continue;
    }
    say(`measuring ${[...asked].join(', ')}`);
    const { figures, ...details } = await take(bench, asked);
    found = { ...found, ...details, figures: { ...found.figures, ...figures } };
  }
  const report = reportOf({ quick: flags.quick, wanted, ...found });
  console.log(textOf(report));
  if (flags.json !== undefined) {
    const machine = { processors: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version };
    writeFileSync(flags.json, `${JSON.stringify({ ...report, wall: new Date().toISOString(), machine }, undefined, 2)}\n`);
  }
}

function wantedFigures(only: string | undefined): ReadonlySet<FigureName> {
  if (only === undefined) return new Set(figureNames);
  const names = only.split(',');
  const unknown = names.filter((name) => !(figureNames as readonly string[]).includes(name));
  if (unknown.length > 0) {
    say(`There is no figure ${unknown.join(', ')}. There are: ${figureNames.join(', ')}.`);
    process.exit(1);
  }
  return new Set(names as FigureName[]);
}
