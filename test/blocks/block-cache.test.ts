import { describe, expect, it } from 'vitest';
import { checksumOf, isFault, MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore, PointerList } from '../../src-main/blocks/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { pointerBytes, setPointer } from '../../src-main/format/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

const blockSizeBytes = 4096;
const capacity = 64;

/** A store of blocks that say their VBN, a cache of 64 of them, and a count of what is read. */
async function library(blockCount: number): Promise<{
  cache: BlockCache;
  store: BlockStore;
  device: FaultyDevice;
  pointerTo: (vbn: number, birthCp?: number) => Uint8Array;
  blocksRead: () => number;
}> {
  let bytesRead = 0;
  const memory = new MemoryDevice({ sizeBytes: 2 ** 30 });
  const counted = new Proxy(memory, {
    get(target, name): unknown {
      if (name === 'read') {
        return (offsetBytes: number, buffers: readonly Uint8Array[]) => {
          for (const { length } of buffers) bytesRead += length;
          return target.read(offsetBytes, buffers);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const device = new FaultyDevice(counted);
  const store = new BlockStore(device, blockSizeBytes);
  const checksums = new Map<number, bigint>();
  for (let vbn = 0; vbn < blockCount; vbn++) {
    const bytes = new Uint8Array(blockSizeBytes).fill(vbn);
    checksums.set(vbn, checksumOf(bytes));
    await store.writeRun(vbn, [bytes]);
  }
  const pointerTo = (vbn: number, birthCp = 1): Uint8Array => {
    const pointer = new Uint8Array(pointerBytes);
    setPointer(pointer, 0, { vbn, birthCp, checksum: checksums.get(vbn)! });
    return pointer;
  };
  const cache = new BlockCache(store, { capacityBytes: capacity * blockSizeBytes });
  return { cache, store, device, pointerTo, blocksRead: () => bytesRead / blockSizeBytes };
}

describe('the block cache', () => {
  it('loads what an operation misses, and runs the operation from its start', async () => {
    const { cache, pointerTo, blocksRead } = await library(10);
    let starts = 0;
    const sum = await cache.run(() => {
      starts++;
      return cache.need(pointerTo(3), 0)[0]! + cache.need(pointerTo(4), 0)[0]!;
    });
    expect([sum, starts, blocksRead()]).toEqual([7, 3, 2]);
    starts = 0;
    await cache.run(() => {
      starts++;
      cache.get(pointerTo(5), 0);
      cache.get(pointerTo(6), 0);
      cache.needAll();
    });
    expect([starts, blocksRead()]).toEqual([2, 4]);
  });

  it('gives an operation its own faults, unchanged and at once', async () => {
    const { cache } = await library(1);
    const fault = new MirrorpointError('not-found', 'gone');
    await expect(
      cache.run(() => {
        throw fault;
      }),
    ).rejects.toBe(fault);
  });

  it('keeps to its bound, whatever passes through it', async () => {
    const { cache, pointerTo, blocksRead } = await library(500);
    for (let vbn = 0; vbn < 500; vbn++) await cache.run(() => cache.need(pointerTo(vbn), 0));
    const resident = Array.from({ length: 500 }, (_, vbn) => vbn).filter((vbn) => cache.has(pointerTo(vbn), 0));
    expect(resident.length).toBeLessThanOrEqual(capacity);
    expect(resident.length).toBeGreaterThan(capacity / 2);
    expect(blocksRead()).toBe(500);
  });

  it('keeps what is used again and again while a scan passes, but for once in a round', async () => {
    const { cache, pointerTo, blocksRead } = await library(1000);
    for (let vbn = 1; vbn < 1000; vbn++) {
      await cache.run(() => cache.need(pointerTo(0), 0));
      await cache.run(() => cache.need(pointerTo(vbn), 0));
    }
    const readAgain = blocksRead() - 1000;
    expect(readAgain).toBeLessThanOrEqual(Math.ceil(1000 / (capacity - 1)));
  });

  it('lets one operation need more blocks than it holds, reads each once, and is within its bound afterwards', async () => {
    const { cache, pointerTo, blocksRead } = await library(300);
    const sum = await cache.run(() => {
      for (let vbn = 0; vbn < 300; vbn++) cache.get(pointerTo(vbn), 0);
      cache.needAll();
      let total = 0;
      for (let vbn = 0; vbn < 300; vbn++) total += cache.need(pointerTo(vbn), 0)[9]!;
      return total;
    });
    expect(sum).toBe(Array.from({ length: 300 }, (_, vbn) => vbn & 0xff).reduce((a, b) => a + b));
    expect(blocksRead()).toBe(300);
    const resident = Array.from({ length: 300 }, (_, vbn) => vbn).filter((vbn) => cache.has(pointerTo(vbn), 0));
    expect(resident.length).toBeLessThanOrEqual(capacity);
  });

  it('holds what an operation has loaded until it ends, while others fill the cache', async () => {
    const { cache, pointerTo, blocksRead } = await library(400);
    const slow = cache.run(() => {
      for (let vbn = 0; vbn < 8; vbn++) cache.need(pointerTo(vbn), 0);
      return Array.from({ length: 8 }, (_, vbn) => cache.need(pointerTo(vbn), 0)[0]);
    });
    const others: Promise<unknown>[] = [];
    for (let vbn = 8; vbn < 400; vbn++) others.push(cache.run(() => cache.need(pointerTo(vbn), 0)));
    expect(await slow).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(others);
    expect(blocksRead()).toBe(400);
  });

  it('reads a block once for all operations that wait for it', async () => {
    const { cache, pointerTo, blocksRead } = await library(10);
    const found = await Promise.all(
      Array.from({ length: 20 }, () => cache.run(() => cache.need(pointerTo(7), 0)[0]! + cache.need(pointerTo(8), 0)[0]!)),
    );
    expect(found).toEqual(Array<number>(20).fill(15));
    expect(blocksRead()).toBe(2);
  });

  it('tells births apart: a block born later at the same place is another block', async () => {
    const { cache, pointerTo, store } = await library(2);
    await cache.run(() => cache.need(pointerTo(0), 0));
    const newer = new Uint8Array(blockSizeBytes).fill(200);
    await store.writeRun(0, [newer]);
    cache.insert({ vbn: 0, birthCp: 2 }, newer);
    expect(cache.has(pointerTo(0, 1), 0)).toBe(false);
    expect(cache.need(pointerTo(0, 2), 0)[0]).toBe(200);
    newer.fill(1);
    expect(cache.need(pointerTo(0, 2), 0)[0]).toBe(200);
  });

  it('refuses bytes that are not what the pointer promises, and reads again the next time', async () => {
    const { cache, pointerTo, store, blocksRead } = await library(3);
    await store.writeRun(1, [new Uint8Array(blockSizeBytes).fill(77)]);
    const wrong = (fault: unknown): boolean => isFault(fault, 'checksum-mismatch') && fault.message.includes('Block 1 ');
    await expect(cache.run(() => cache.need(pointerTo(1), 0))).rejects.toSatisfy(wrong);
    expect(cache.has(pointerTo(1), 0)).toBe(false);
    await store.writeRun(1, [new Uint8Array(blockSizeBytes).fill(1)]);
    expect((await cache.run(() => cache.need(pointerTo(1), 0)))[0]).toBe(1);
    expect(blocksRead()).toBe(2);
  });

  it('lets those who waited for a failed read of another read for themselves', async () => {
    const { cache, pointerTo, device } = await library(3);
    device.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'once' });
    const first = cache.run(() => cache.need(pointerTo(1), 0)[0]);
    const second = cache.run(() => cache.need(pointerTo(1), 0)[0]);
    await expect(first).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
    await expect(second).resolves.toBe(1);
  });

  it('visits every pointer of a long list once, in parts that fit', async () => {
    const { cache, pointerTo, blocksRead } = await library(400);
    const random = new SeededRandom(5);
    const list = new PointerList();
    const vbns = Array.from({ length: 300 }, () => random.below(400));
    for (const vbn of vbns) list.push(pointerTo(vbn), 0);
    const seen: number[] = [];
    await cache.visit(list, (position, bytes) => {
      seen.push(position);
      expect(bytes[0]).toBe(vbns[position]! & 0xff);
    });
    expect(seen.sort((a, b) => a - b)).toEqual(vbns.map((_, position) => position));
    expect(blocksRead()).toBeLessThanOrEqual(new Set(vbns).size + 10);
  });

  it('gives right bytes to many operations at once under random faults (seed 11)', async () => {
    const { cache, pointerTo, device } = await library(200);
    const random = new SeededRandom(11);
    const noisy = new FaultyDevice(device, { random, chances: { readError: 0.05 } });
    const store = new BlockStore(noisy, blockSizeBytes);
    const own = new BlockCache(store, { capacityBytes: capacity * blockSizeBytes });
    let done = 0;
    const operations = Array.from({ length: 300 }, async () => {
      const vbns = Array.from({ length: 1 + random.below(30) }, () => random.below(200));
      try {
        const found = await own.run(() => vbns.map((vbn) => own.need(pointerTo(vbn), 0)[100]));
        expect(found).toEqual(vbns.map((vbn) => vbn & 0xff));
        done++;
      } catch (fault) {
        if (!isFault(fault, 'device-io')) throw fault;
      }
    });
    await Promise.all(operations);
    expect(done).toBeGreaterThan(50);
    const resident = Array.from({ length: 200 }, (_, vbn) => vbn).filter((vbn) => own.has(pointerTo(vbn), 0));
    expect(resident.length).toBeLessThanOrEqual(capacity);
    expect(cache.capacityBlocks).toBe(capacity);
  });
});
