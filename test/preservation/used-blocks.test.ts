import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf, pointerVbn } from '../../src-main/format/index.ts';
import { UsedBlocks } from '../../src-main/preservation/used-blocks.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

const blockSizeBytes = 4096;

describe('the blocks that a root needs', () => {
  it('are all of a page that is lost, so that what comes in their places can be written', async () => {
    const random = new SeededRandom(1);
    const device = new MemoryDevice({ sizeBytes: 16 << 20 });
    const set = await DeviceSet.create([device], { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes, journalBytes: 128 << 10, random });
    const volume = await Volume.create(set, { name: 'old', clock: new VirtualClock(), random, cpIntervalMs: 0 });
    const root = decodeRootNode(volume.rootBytes);
    await volume.close();
    const again = await DeviceSet.open([device.reopen()]);
    const usedNow = (): UsedBlocks => {
      const cache = new BlockCache(new BlockStore(again.data, blockSizeBytes), { capacityBytes: 1 << 20 });
      return new UsedBlocks({ geometry: geometryOf(blockSizeBytes), cache }, root);
    };
    const last = root.blockCount - 1;
    expect(await usedNow().has(last)).toBe(false);
    await again.data.write(pointerVbn(root.files.freeMap.slots, 0) * blockSizeBytes, [random.bytes(blockSizeBytes)]);
    expect(await usedNow().has(last)).toBe(true);
    expect(await usedNow().has(root.blockCount)).toBe(false);
    await again.close();
  });
});
