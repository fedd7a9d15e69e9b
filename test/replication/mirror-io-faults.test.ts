import { describe, expect, test } from 'vitest';
import type { Device } from '../../src-main/device/index.ts';
import { type FaultableOperation, FaultyDevice, type PlannedFault } from '../simulation/faulty-device.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

/** A mirror follows three CPs while an operation of its device fails. Resolves to whether it came to that. */
async function followWithFault(fault: PlannedFault): Promise<boolean> {
  let device: FaultyDevice | undefined;
  await using lab = new MirrorLab({ wrapMirror: (inner): Device => (device = new FaultyDevice(inner)) });
  await lab.start();
  await lab.put('file', lab.random.bytes(30_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const { cp } = lab.mirror.committed!;
  device!.plan(fault);
  let content: Uint8Array = new Uint8Array(0);
  for (let round = 0; round < 3; round++) {
    content = lab.random.bytes(30_000);
    await lab.overwrite('file', content);
    if (round === 1) await lab.primary.createSnapshot('kept');
    await lab.primary.takeCp();
    await lab.settle(30);
  }
  expect(lab.mirror.committed!.cp).toBeGreaterThanOrEqual(cp);
  const hit = device!.injected.length > 0;
  await device!.heal();
  await lab.untilIdentical();
  expect(lab.crashes).toEqual([]);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'file'), content);
  return hit;
}

const plans: readonly (Omit<PlannedFault, 'nth' | 'repeat'> & { operation: FaultableOperation; atLeast: number })[] = [
  { operation: 'write', error: 'EIO', atLeast: 5 },
  { operation: 'write', error: 'ENOSPC', shortBytes: 4096, atLeast: 5 },
  { operation: 'flush', error: 'EIO', atLeast: 5 },
  { operation: 'read', error: 'EIO', atLeast: 1 },
];

describe("the Nth operation of a mirror's device fails", () => {
  for (const { atLeast, ...plan } of plans) {
    test.each(['once', 'for-ever'] as const)(`${plan.operation} with ${plan.error}, %s: it stays at a whole CP and catches up when the device works again, for every N`, async (repeat) => {
      let nth = 1;
      while (await followWithFault({ ...plan, nth, repeat })) nth++;
      expect(nth).toBeGreaterThan(atLeast);
    });
  }
});
