import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attachLoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { testSeed } from '../seed.ts';
import { type KilledDevices, KilledServers } from './killed-servers.ts';
import { tellSkipped } from './mounted-volume.ts';
import { testFolder } from './scenario-place.ts';

const sizeBytes = 32 << 20;
const noLoopDevices = whyNoLoopDevices();
const rounds = 50;
const loopRounds = noLoopDevices === undefined ? 20 : 0;
tellSkipped('servers on loop devices that are killed', noLoopDevices);

async function killRounds(folder: string, devices: KilledDevices, count: number): Promise<void> {
  await using servers = await KilledServers.open(folder, { seed: testSeed, devices });
  for (let round = 0; round < count; round++) await servers.round();
  expect(servers.counts.kills).toBeGreaterThanOrEqual(count);
  expect(servers.counts.acknowledged).toBeGreaterThanOrEqual(count);
}

describe(`${rounds} rounds of kill -9 of the primary, the mirror or both, seed ${testSeed}`, () => {
  it('on image files: what was acknowledged is there, and the mirror is a CP', async () => {
    const folder = testFolder();
    await killRounds(folder, { primary: `${join(folder, 'a.img')}=${sizeBytes}`, mirror: `${join(folder, 'b.img')}=${sizeBytes}` }, rounds - loopRounds);
  });

  it.skipIf(noLoopDevices !== undefined)('on loop devices: the same', async () => {
    const folder = testFolder();
    const [a, b] = ['a', 'b'].map((name) => attachLoopDevice(join(folder, `${name}.loop`), sizeBytes));
    onTestFinished(() => {
      a!.detach();
      b!.detach();
    });
    await killRounds(folder, { primary: a!.path, mirror: b!.path }, loopRounds);
  });
});
