/**
 * Measures a mounted volume beside a plain pass-through file system, in one run
 * and in turns: `node test/bench/mounts.ts [--rounds N] [--profile DIR]`. For root.
 *
 *   --rounds N       how often all is done, 4 times unless given, after once that does not count;
 *                    an even number lets each come first as often
 *   --profile DIR    writes a CPU profile of the server there
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { isMounted, MountedVolume, mountObstacle } from '../scenarios/mounted-volume.ts';
import { run } from './command.ts';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '4' }, profile: { type: 'string' } } });

/** What is timed, and how much of it there is. */
const figures = [
  { name: 'write 1 MiB pieces', unit: 'MB/s', amount: 1073.7, works: ['write'] },
  { name: 'write 4 KiB pieces', unit: 'MB/s', amount: 25.2, works: ['write-small'] },
  { name: 'make files, one program', unit: 'files/s', amount: 2000, works: ['one'] },
  { name: 'make files, four programs', unit: 'files/s', amount: 8000, works: ['a', 'b', 'c', 'd'] },
  // Last, so that the devices have had time for what was written.
  { name: 'read from the devices', unit: 'MB/s', amount: 1073.7, works: ['read'] },
] as const;

const workScript = join(import.meta.dirname, 'mount-work.ts');

/** Work of one program after another begins at the same time; the slowest counts. */
async function secondsOf(folder: string, figure: (typeof figures)[number]): Promise<number> {
  // What waits would be written meanwhile, and is not dropped from memory.
  await mounted.client.cp.now({ volume: 'work' });
  await run('sync');
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  const seconds = await Promise.all(figure.works.map((work) => run(process.execPath, workScript, folder, work)));
  return Math.max(...seconds.map(Number));
}

/** Starts the pass-through file system, with the same reading ahead. */
async function passThrough(work: string): Promise<{ at: string; [Symbol.asyncDispose]: () => Promise<void> }> {
  const [behind, at] = [join(work, 'behind'), join(work, 'pass-through')];
  mkdirSync(behind);
  mkdirSync(at);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'pass-through.ts'), behind, at], { stdio: 'inherit' });
  while (!isMounted(at)) await setTimeout(50);
  await run('stat', at);
  const device = /\S+/.exec(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((line) => line.includes(` ${at} `))!.split(' ')[2]!)![0];
  writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, '2048');
  return {
    at,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'close');
      await run('umount', at);
      await ended;
    },
  };
}

if (mountObstacle !== undefined) {
  console.error(`Nothing was measured: ${mountObstacle}.`);
  process.exit(1);
}
const env = flags.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(flags.profile)}` };
await using mounted = await MountedVolume.open({ sizeBytes: 16 * 2 ** 30, env });
await using beside = await passThrough(mounted.folder);
const rounds = Number(flags.rounds);
const measured = figures.map(() => ({ ours: [] as number[], theirs: [] as number[] }));
for (let round = 0; round <= rounds; round++) {
  const [ours, theirs] = [join(mounted.at, `round ${round}`), join(beside.at, `round ${round}`)];
  mkdirSync(ours);
  mkdirSync(theirs);
  for (const [index, figure] of figures.entries()) {
    const turns = [async () => measured[index]!.ours.push(await secondsOf(ours, figure)), async () => measured[index]!.theirs.push(await secondsOf(theirs, figure))];
    // What the devices are still busy with is in the way of whoever comes first.
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
}
for (const [index, { name, unit, amount }] of figures.entries()) {
  const { ours, theirs } = measured[index]!;
  const [mine, other] = [ours, theirs].map((seconds) => (amount * rounds) / seconds.slice(1).reduce((sum, one) => sum + one)) as [number, number];
  console.log(`${name.padEnd(28)}${mine.toFixed(0).padStart(8)} ${unit.padEnd(8)} pass-through ${other.toFixed(0).padStart(8)}   ${(mine / other).toFixed(2)} of it`);
}
if (flags.profile !== undefined) await mounted.server.stop();
