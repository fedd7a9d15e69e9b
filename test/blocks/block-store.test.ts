import { describe, expect, it } from 'vitest';
import { checksumOf, isFault, SeededRandom } from '../../src-main/base/index.ts';
import { BlockStore, PointerList } from '../../src-main/blocks/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { pointerBytes, pointerVbn, setPointer } from '../../src-main/format/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

const blockSizeBytes = 4096;

/** A store whose blocks were written with random bytes, and pointers to them in random order. */
async function filled(blockCount: number): Promise<{
  store: BlockStore;
  device: FaultyDevice;
  pointers: PointerList;
  contents: Map<number, Uint8Array>;
  targets: Uint8Array[];
}> {
  const random = new SeededRandom(blockCount);
  const device = new FaultyDevice(new MemoryDevice({ sizeBytes: 2 ** 30 }));
  const store = new BlockStore(device, blockSizeBytes);
  const contents = new Map<number, Uint8Array>();
  const pointers = new PointerList();
  const pointer = new Uint8Array(pointerBytes);
  while (contents.size < blockCount) {
    const vbn = random.below(blockCount * 2);
    if (contents.has(vbn)) continue;
    const bytes = random.bytes(blockSizeBytes);
    contents.set(vbn, bytes);
    await store.writeRun(vbn, [bytes]);
    setPointer(pointer, 0, { vbn, birthCp: 1 + random.below(9), checksum: checksumOf(bytes) });
    pointers.push(pointer, 0);
  }
  const targets = Array.from({ length: blockCount }, () => new Uint8Array(blockSizeBytes));
  return { store, device, pointers, contents, targets };
}

describe('the block store', () => {
  it('reads scattered blocks in the order of their VBNs, neighbours together, each to its place', async () => {
    const { store, device, pointers, contents, targets } = await filled(600);
    await store.readProven(pointers, targets);
    targets.forEach((bytes, position) => {
      expect(bytes).toEqual(contents.get(pointers.vbn(position)));
    });
    expect(device.counts.read).toBeLessThan(60);
  });

  it('gets what its devices do not give from the first second source that has it, proven', async () => {
    const { store, pointers, contents, targets } = await filled(20);
    const wrongVbn = pointers.vbn(3);
    await store.writeRun(wrongVbn, [new Uint8Array(blockSizeBytes)]);
    const asked: number[] = [];
    const remove = store.addSecondSource((pointer, offset, target) => {
      asked.push(pointerVbn(pointer, offset));
      target.fill(1);
      return Promise.resolve(true);
    });
    await expect(store.readProven(pointers, targets)).rejects.toMatchObject({ code: 'checksum-mismatch' });
    store.addSecondSource((pointer, offset, target) => {
      target.set(contents.get(pointerVbn(pointer, offset))!);
      return Promise.resolve(true);
    });
    asked.length = 0;
    await store.readProven(pointers, targets);
    expect(asked).toEqual([wrongVbn]);
    remove();
    targets.forEach((bytes) => bytes.fill(0));
    await store.readProven(pointers, targets);
    expect(asked).toEqual([wrongVbn]);
    targets.forEach((bytes, position) => {
      expect(bytes).toEqual(contents.get(pointers.vbn(position)));
    });
  });

  it('proves every block: one wrong bit anywhere is told by its VBN', async () => {
    const { store, pointers, contents, targets } = await filled(20);
    const random = new SeededRandom(3);
    for (let round = 0; round < 200; round++) {
      const vbn = pointers.vbn(random.below(20));
      const bytes = contents.get(vbn)!.slice();
      bytes[random.below(blockSizeBytes)]! ^= 1 << random.below(8);
      await store.writeRun(vbn, [bytes]);
      await expect(store.readProven(pointers, targets)).rejects.toSatisfy(
        (fault: unknown) => isFault(fault, 'checksum-mismatch') && fault.message.includes(`Block ${vbn} `),
      );
      await store.writeRun(vbn, [contents.get(vbn)!]);
    }
  });

  it('goes on past bad blocks when asked to, and tells each with its fault', async () => {
    const { store, device, pointers, contents, targets } = await filled(300);
    const bad = new Set([3, 77, 299]);
    for (const position of bad) await store.writeRun(pointers.vbn(position), [new Uint8Array(blockSizeBytes)]);
    device.plan({ operation: 'read', nth: 2, error: 'EIO', repeat: 'once' });
    const faults = await store.readTolerant(pointers, targets);
    expect([...faults.keys()].sort((a, b) => a - b)).toEqual([...bad]);
    for (const fault of faults.values()) expect(fault.code).toBe('checksum-mismatch');
    targets.forEach((bytes, position) => {
      if (!bad.has(position)) expect(bytes).toEqual(contents.get(pointers.vbn(position)));
    });
  });

  it('takes a pointer beyond the end for damage, not for a fault of the program', async () => {
    const { store } = await filled(1);
    const beyond = 2 ** 30 / blockSizeBytes;
    const [first, second] = [new Uint8Array(blockSizeBytes), new Uint8Array(blockSizeBytes)];
    await expect(store.readRun(beyond - 1, [first])).resolves.toBeUndefined();
    for (const [vbn, buffers] of [[beyond, [first]], [beyond - 1, [first, second]], [2 ** 47, [first]]] as const) {
      await expect(store.readRun(vbn, buffers)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-damaged'));
    }
  });

  it('names the blocks of a place that cannot be read at all', async () => {
    const { store, device, pointers, targets } = await filled(10);
    device.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'for-ever' });
    const faults = await store.readTolerant(pointers, targets);
    expect(faults.size).toBe(10);
    for (const fault of faults.values()) expect(fault.code).toBe('device-io');
    await expect(store.readProven(pointers, targets)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
  });
});
