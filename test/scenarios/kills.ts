import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attachLoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { setup } from '../program-setup.ts';
import { KilledServers } from './killed-servers.ts';

/**
 * `node test/scenarios/kills.ts --rounds N [--from SEED] [--loop]` kills real
 * servers N times in the middle of work, on image files or on loop devices, and
 * prints one line of JSON. A new pair begins, with the next seed, every hundred
 * rounds.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' }, loop: { type: 'boolean', default: false } },
});

const sizeBytes = 64 << 20;
const roundsOfPair = 100;
const obstacle = values.loop ? whyNoLoopDevices() : undefined;
if (obstacle !== undefined) throw new Error(obstacle);
await setup();

const wanted = Number(values.rounds);
const started = performance.now();
const sum = { rounds: 0, kills: 0, acknowledged: 0, inDoubtDone: 0, behind: 0 };
const violations: { seed: number; violation: string }[] = [];

async function killPair(seed: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const loops = values.loop ? ['a', 'b'].map((name) => attachLoopDevice(join(folder, `${name}.loop`), sizeBytes)) : [];
  const [primary, mirror] = loops.length > 0 ? loops.map(({ path }) => path) : ['a', 'b'].map((name) => `${join(folder, `${name}.img`)}=${sizeBytes}`);
  try {
    await using servers = await KilledServers.open(folder, { seed, devices: { primary: primary!, mirror: mirror! } });
    try {
      for (let round = 0; round < rounds; round++) await servers.round();
    } finally {
      for (const part of Object.keys(sum) as (keyof typeof sum)[]) sum[part] += servers.counts[part];
    }
  } catch (fault) {
    violations.push({ seed, violation: String(fault) });
    process.stderr.write(`seed ${seed}: ${fault instanceof Error ? fault.stack : String(fault)}\n`);
  } finally {
    for (const loop of loops) loop.detach();
    rmSync(folder, { recursive: true, force: true });
  }
}

const from = Number(values.from);
let seed = from;
for (let left = wanted; left > 0; left -= roundsOfPair) await killPair(seed++, Math.min(left, roundsOfPair));

const seconds = Math.round((performance.now() - started) / 100) / 10;
process.stdout.write(`${JSON.stringify({ from, next: seed, devices: values.loop ? 'loop' : 'images', ...sum, violations, seconds })}\n`);
process.exitCode = violations.length > 0 ? 1 : 0;
