import { expect, test } from 'vitest';
import { isZero, SeededRandom } from '../../src-main/base/index.ts';
import { rootPlaces, rootStrideBytes } from '../../src-main/consistency/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { rootNodeBytes } from '../../src-main/format/index.ts';
import { MirrorVolume } from '../../src-main/volume/index.ts';

test("a mirror's first root, torn before it was whole in one copy, leaves nothing behind for a later one to complete", async () => {
  const random = new SeededRandom(1);
  const device = new MemoryDevice({ sizeBytes: 16 << 20 });
  const set = await DeviceSet.create([device], { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes: 4096, journalBytes: 64 << 10, random });
  await set.rootAreas[0].write(5 * rootStrideBytes + 512, [random.bytes(rootNodeBytes - 512)]);
  await set.close();

  const again = await DeviceSet.open([device.reopen()]);
  const mirror = await MirrorVolume.open(again, { name: 'mirror' });
  expect(mirror.committed).toBeUndefined();
  for (const area of again.rootAreas) {
    for (let place = 0; place < rootPlaces; place++) {
      const copy = new Uint8Array(rootNodeBytes).fill(1);
      await area.read(place * rootStrideBytes, [copy]);
      expect(isZero(copy), `place ${place}`).toBe(true);
    }
  }
  await mirror.close();
});
