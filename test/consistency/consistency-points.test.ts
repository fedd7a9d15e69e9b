import { describe, expect, it } from 'vitest';
import { isFault, MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import { rootChecksumOf } from '../../src-main/format/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { MiniVolume, PutHistory } from './mini-volume.ts';

const sizeBytes = 4 << 20;
const indexMax = 60;

function randomPut(random: SeededRandom, version: number): { index: number; version: number } {
  return { index: random.below(indexMax), version: random.chance(0.25) ? 0 : version };
}

describe('a consistency point', () => {
  it('writes blocks, flushes, writes the root to both areas, flushes, and only then tells the followers', async () => {
    const trace = new Trace();
    const volume = await MiniVolume.create([new TraceDevice(trace, { sizeBytes })]);
    const [areaA, areaB] = rootOffsets(trace);
    volume.cps.follow({
      begin: (cp, baseCp) => {
        trace.mark(`begin ${cp} on ${baseCp}`);
        return { keep: false, sink: { block: (vbn) => trace.mark(`sent ${vbn}`) } };
      },
      end: (cp, rootBytes) => trace.mark(`end ${cp} ${rootBytes !== undefined}`),
    });
    for (let index = 0; index < 300; index++) volume.put({ index, version: 7 });
    const from = trace.events.length;
    await volume.cps.take('request');

    const story: string[] = [];
    const waiting = new Set<number>();
    trace.events.slice(from).forEach((event, index) => {
      if (event.kind === 'write') {
        const isRoot = event.offsetBytes >= areaA && event.bytes.length === 4096 && isRootPlace(event.offsetBytes, [areaA, areaB]);
        // Nothing that the root leads to is on its way when the root is written, and nothing comes after it.
        if (isRoot && story.at(-1) !== 'root') expect(waiting.size).toBe(0);
        if (!isRoot) expect(story).not.toContain('root');
        waiting.add(from + index);
        story.push(isRoot ? 'root' : 'blocks');
      } else if (event.kind === 'flush') {
        for (const covered of event.covers) waiting.delete(covered);
        story.push('flush');
      } else if (event.kind === 'mark') {
        const text = String(event.value);
        if (!text.startsWith('sent')) story.push(text);
      }
    });
    expect(waiting.size).toBe(0);
    const joined = story.filter((what, index) => what !== story[index - 1]);
    expect(joined).toEqual(['begin 2 on 1', 'blocks', 'flush', 'root', 'flush', 'end 2 true']);
    expect(story.filter((what) => what === 'root')).toHaveLength(2);
    await volume.expectWhole();
  });

  it('gives each block to the followers as it goes to the devices, and with it the one that it replaces', async () => {
    const trace = new Trace();
    const volume = await MiniVolume.create([new TraceDevice(trace, { sizeBytes })]);
    const sent = new Map<number, Uint8Array>();
    let before = 0;
    const replacements = new Map<number, Uint8Array>();
    volume.cps.follow({
      begin: () => ({
        keep: false,
        sink: {
          block: (vbn, bytes, replaced) => {
            sent.set(vbn, bytes.slice());
            if (replaced === undefined) return;
            expect(replaced.birthCp).toBeLessThanOrEqual(volume.cps.root.cp);
            replacements.set(replaced.vbn, replaced.bytes.slice());
          },
        },
      }),
      end: () => undefined,
    });
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 40; index++) volume.put({ index: index * 3, version: round + 1 });
      before = sent.size;
      const record = await volume.cps.take('request');
      expect(sent.size - before).toBe(record.dataBlocks + record.addressBlocks);
      expect(record.bytes).toBe((record.dataBlocks + record.addressBlocks) * 4096);
      // What was replaced stands until the next CP.
      for (const [vbn, bytes] of [...sent, ...replacements]) {
        const stored = new Uint8Array(4096);
        await volume.cache.store.readRun(vbn, [stored]);
        expect(stored).toEqual(bytes);
      }
      if (round > 0) expect(replacements.size).toBeGreaterThan(0);
      sent.clear();
      replacements.clear();
    }
  });

  it.each([1, 2, 3, 4, 5, 6])('leaves map, trees and counts in agreement after each of many (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const device = new MemoryDevice({ sizeBytes: seed % 2 === 0 ? sizeBytes : 3 * 2 ** 30 });
    let volume = await MiniVolume.create([device]);
    const model = new Array<number>(indexMax).fill(0);
    for (let round = 1; round <= 25; round++) {
      for (let count = random.below(40); count > 0; count--) {
        const request = randomPut(random, round);
        model[request.index] = request.version;
        volume.put(request);
      }
      if (random.chance(0.3)) volume.file.punch(1_000_000, Infinity);
      if (random.chance(0.3)) volume.put({ index: 1_000_000 + random.below(1 << 30), version: round });
      await volume.cps.take('request');
      await volume.expectWhole();
      if (random.chance(0.2)) {
        const reopened = await MiniVolume.open([device.reopen()]);
        expect(reopened).toBeDefined();
        volume = reopened!;
      }
      expect(await volume.versions(indexMax)).toEqual(model);
    }
  });

  it('takes requests that come while one runs into the next, which all of them share', async () => {
    const volume = await MiniVolume.create([new MemoryDevice({ sizeBytes })]);
    volume.put({ index: 1, version: 1 });
    const first = volume.cps.take('timer');
    expect(volume.cps.isBusy).toBe(true);
    await Promise.resolve();
    await Promise.resolve();
    volume.put({ index: 2, version: 1 });
    const second = volume.cps.take('request');
    const third = volume.cps.take('dirty');
    let between = 0;
    const other = volume.cps.between(() => {
      between = volume.cps.root.cp;
    });
    expect((await first).cp).toBe(2);
    expect(await second).toMatchObject({ cp: 3, cause: 'request', dataBlocks: 3 });
    expect(await third).toBe(await second);
    await other;
    expect([between, volume.cps.isBusy]).toEqual([3, false]);
  });

  it('lets changes go on while it runs, and leaves them to the next', async () => {
    const device = new MemoryDevice({ sizeBytes });
    const volume = await MiniVolume.create([device]);
    volume.put({ index: 1, version: 1 });
    const running = volume.cps.take('timer');
    await Promise.resolve();
    await Promise.resolve();
    volume.put({ index: 1, version: 2 });
    volume.put({ index: 3, version: 2 });
    await running;
    expect(await volume.versions(4)).toEqual([0, 2, 0, 2]);
    expect(await (await MiniVolume.open([device.reopen()]))!.versions(4)).toEqual([0, 1, 0, 0]);
  });

  it('waits for reads that began before it, not for later ones, before it writes anything', async () => {
    const trace = new Trace();
    const volume = await MiniVolume.create([new TraceDevice(trace, { sizeBytes })]);
    volume.put({ index: 1, version: 1 });
    const leave = volume.gate.enter();
    const from = trace.events.length;
    const running = volume.cps.take('request');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(trace.events.length).toBe(from);
    const later = volume.gate.enter();
    leave();
    await running;
    expect(trace.events.length).toBeGreaterThan(from);
    later();
  });

  it('waits for operations that wait for a block, so that no block is written over under them', async () => {
    const memory = new MemoryDevice({ sizeBytes });
    let hold: Promise<void> | undefined;
    let writes = 0;
    const device = new Proxy(memory, {
      get(target, name): unknown {
        if (name === 'read') {
          return async (offsetBytes: number, buffers: readonly Uint8Array[]) => {
            // One read is slow; those of the CP itself are not.
            const mine = hold;
            hold = undefined;
            await mine;
            await target.read(offsetBytes, buffers);
          };
        }
        if (name === 'write') writes++;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const volume = await MiniVolume.create([device]);
    volume.put({ index: 1, version: 1 });
    await volume.cps.take('request');
    volume.cache.clear();
    let release = (): void => undefined;
    hold = new Promise((resolve) => (release = resolve));
    const reading = volume.cache.run(() => volume.file.read(1)![4095]);
    await new Promise(setImmediate);
    expect(hold).toBe(undefined);
    writes = 0;
    const taking = volume.cps.take('request');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(writes).toBe(0);
    release();
    expect(await reading).toBe(1);
    await taking;
    expect(writes).toBeGreaterThan(0);
  });

  it('tells the devices what a CP freed only when that CP is durable, in the next one', async () => {
    const discarded: number[] = [];
    const volume = await MiniVolume.create([new MemoryDevice({ sizeBytes })], {
      discard: (vbn, count) => {
        for (let block = vbn; block < vbn + count; block++) discarded.push(block);
      },
    });
    for (let index = 0; index < 6; index++) volume.put({ index, version: 1 });
    await volume.cps.take('request');
    discarded.length = 0;
    for (let index = 0; index < 6; index++) volume.put({ index, version: 0 });
    await volume.cps.take('request');
    expect(discarded.filter((vbn) => vbn >= 2)).toEqual([]);
    volume.put({ index: 9, version: 1 });
    await volume.cps.take('request');
    expect(discarded.length).toBeGreaterThanOrEqual(6);
    await volume.expectWhole();
  });

  it('refuses what the devices have no room for, keeps it in memory, and goes on when there is room again', async () => {
    const device = new MemoryDevice({ sizeBytes });
    const volume = await MiniVolume.create([device]);
    volume.put({ index: 0, version: 1 });
    await volume.cps.take('request');
    for (let index = 1; index < 1000; index++) volume.put({ index, version: 2 });
    const full = (fault: unknown): boolean => isFault(fault, 'volume-full') && fault.message.includes('CP 3 of volume mini');
    await expect(volume.cps.take('request')).rejects.toSatisfy(full);
    expect(volume.cps.root.cp).toBe(2);
    expect((await volume.versions(1000))[999]).toBe(2);
    await expect(volume.cps.take('request')).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-full'));
    for (let index = 50; index < 1000; index++) volume.put({ index, version: 0 });
    // Numbers of failed CPs are not used again: a (VBN, birth) pair names one content.
    expect((await volume.cps.take('request')).cp).toBe(5);
    await volume.expectWhole();
    const again = await MiniVolume.open([device.reopen()]);
    expect(await again!.versions(60)).toEqual([1, ...Array<number>(49).fill(2), ...Array<number>(10).fill(0)]);
  });

  it('gives equal checksums for equal bytes of a root, and another for each CP', async () => {
    const volume = await MiniVolume.create([new MemoryDevice({ sizeBytes })]);
    const checksums = new Set([rootChecksumOf(volume.cps.rootBytes)]);
    for (let round = 0; round < 5; round++) {
      await volume.cps.take('timer');
      checksums.add(rootChecksumOf(volume.cps.rootBytes));
    }
    expect(checksums.size).toBe(6);
  });
});

/** What is asked of the volume while one of its device's operations fails. */
async function workWithFaults(volume: MiniVolume, random: SeededRandom, history: PutHistory): Promise<number> {
  let synced = 0;
  for (let round = 1; round <= 4; round++) {
    for (let count = 0; count < 12; count++) {
      const request = randomPut(random, history.puts.length + 1);
      history.push(request);
      volume.put(request);
    }
    try {
      if (round % 2 === 0) await volume.cps.take('request');
      else await volume.log.commit();
      synced = history.puts.length;
    } catch (fault) {
      if (!isFault(fault, 'device-io') && !isFault(fault, 'device-full')) throw fault;
    }
  }
  return synced;
}

describe('when a write or flush of a device fails', () => {
  const cases = (['write', 'flush'] as const).flatMap((operation) =>
    (['once', 'for-ever'] as const).map((repeat) => ({ operation, repeat })),
  );
  it.each(cases)('nothing synced is lost, and CPs go on when it works again ($operation, $repeat, every N)', async ({ operation, repeat }) => {
    for (let nth = 1; nth <= 40; nth++) {
      const memory = new MemoryDevice({ sizeBytes });
      const device = new FaultyDevice(memory);
      const volume = await MiniVolume.create([device], { cacheBytes: 64 * 4096 });
      device.plan({ operation, nth, error: nth % 2 === 0 ? 'EIO' : 'ENOSPC', repeat, shortBytes: (nth % 4) * 1024 });
      const history = new PutHistory();
      const synced = await workWithFaults(volume, new SeededRandom(nth), history);
      if (device.injected.length === 0) {
        expect(nth).toBeGreaterThan(5);
        break;
      }

      // The machine stops here, without another word to the device.
      const crashed = await MiniVolume.open([memory.reopen()]);
      expect(crashed, 'the first CP is there').toBeDefined();
      await crashed!.expectWhole();
      expect(history.matching(await crashed!.versions(indexMax), synced), `at ${operation} ${nth}`).toBeDefined();
    }
  });

  it.each(cases)('the volume in memory stays right, and the next CP is whole ($operation, $repeat, every N)', async ({ operation, repeat }) => {
    for (let nth = 1; nth <= 40; nth++) {
      const memory = new MemoryDevice({ sizeBytes });
      const device = new FaultyDevice(memory);
      const volume = await MiniVolume.create([device], { cacheBytes: 64 * 4096 });
      device.plan({ operation, nth, error: 'EIO', repeat });
      const history = new PutHistory();
      await workWithFaults(volume, new SeededRandom(nth), history);
      if (device.injected.length === 0) {
        expect(nth).toBeGreaterThan(5);
        break;
      }

      await device.heal();
      const all = history.puts.length;
      expect(history.matching(await volume.versions(indexMax), all)).toBe(all);
      await volume.cps.take('request');
      await volume.expectWhole();
      volume.put({ index: 3, version: 99 });
      history.push({ index: 3, version: 99 });
      await volume.log.commit();
      const reopened = await MiniVolume.open([memory.reopen()]);
      expect(history.matching(await reopened!.versions(indexMax), all + 1)).toBe(all + 1);
      await reopened!.expectWhole();
    }
  });
});

describe('a CP whose root may or may not have reached the devices', () => {
  it('keeps its blocks from reuse until a later root is durable, however little space there is', async () => {
    for (let round = 0; round < 24; round += 3) {
      const memory = new MemoryDevice({ sizeBytes: 3 << 20 });
      const device = new FaultyDevice(memory);
      const volume = await MiniVolume.create([device]);
      const placed: number[][] = [];
      volume.cps.follow({
        begin: () => {
          const vbns: number[] = [];
          placed.push(vbns);
          return { keep: false, sink: { block: (vbn) => vbns.push(vbn) } };
        },
        end: () => undefined,
      });
      // Little is left free, so that every CP must look at all of it; rounds differ in where the cursor stands.
      const freeBlocks = 60;
      for (let index = 100; volume.space.freeCount - (index - 100) > freeBlocks + 10; index++) volume.put({ index, version: 1 });
      await volume.cps.take('request');
      for (let turn = 0; turn < round; turn++) {
        volume.put({ index: 0, version: 100 + turn });
        await volume.cps.take('request');
      }
      const put = (version: number): void => {
        for (let index = 0; index < 10; index++) volume.put({ index, version });
      };
      put(1000);
      device.plan({ operation: 'flush', nth: 2, error: 'EIO', repeat: 'once' });
      await expect(volume.cps.take('request')).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
      const doubtful = new Set(placed.at(-1));
      // The next CPs write their blocks and get no further; then the machine stops.
      for (let turn = 0; turn < 3; turn++) {
        put(1001 + turn);
        device.plan({ operation: 'flush', nth: 1, error: 'EIO', repeat: 'once' });
        await expect(volume.cps.take('request')).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
        expect(placed.at(-1)!.filter((vbn) => doubtful.has(vbn))).toEqual([]);
        expect(placed.at(-1)!.length).toBeGreaterThan(10);
      }
      const found = await MiniVolume.open([memory.reopen()]);
      await found!.expectWhole();
      expect(await found!.versions(10)).toEqual(Array<number>(10).fill(1000));
    }
  });
});

describe('when root after root is torn', () => {
  it('the last durable one is never written over', async () => {
    const memory = new MemoryDevice({ sizeBytes });
    let torn = 0;
    const device = new Proxy(memory, {
      get(target, name): unknown {
        if (name === 'write' && torn > 0) {
          return async (offsetBytes: number, buffers: readonly Uint8Array[]) => {
            const isRoot = Buffer.from(buffers[0]!.subarray(0, 6)).toString() === 'MPROOT';
            if (!isRoot) return target.write(offsetBytes, buffers);
            await target.write(offsetBytes, [buffers[0]!.subarray(0, 1024)]);
            throw new MirrorpointError('device-io', 'the cable is loose');
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const volume = await MiniVolume.create([device]);
    volume.put({ index: 1, version: 1 });
    await volume.cps.take('request');
    for (torn = 1; torn <= 40; torn++) {
      volume.put({ index: 1, version: 1 + torn });
      await expect(volume.cps.take('timer')).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
      const found = await MiniVolume.open([memory.reopen()]);
      expect([found!.cps.root.cp, await found!.versions(2)]).toEqual([2, [0, 1]]);
    }
    torn = 0;
    await volume.cps.take('timer');
    expect(await (await MiniVolume.open([memory.reopen()]))!.versions(2)).toEqual([0, 41]);
  });
});

function rootOffsets(trace: Trace): [number, number] {
  const writes = trace.events.filter((event) => event.kind === 'write' && event.bytes.length === 4096);
  const roots = writes.filter((event) => event.kind === 'write' && Buffer.from(event.bytes.subarray(0, 6)).toString() === 'MPROOT');
  const offsets = roots.map((event) => (event.kind === 'write' ? event.offsetBytes : 0)).sort((a, b) => a - b);
  expect(offsets).toHaveLength(2);
  // CP 1 stands in place 1 of both areas.
  return [offsets[0]! - 65536, offsets[1]! - 65536];
}

function isRootPlace(offsetBytes: number, areas: readonly number[]): boolean {
  return areas.some((area) => offsetBytes >= area && offsetBytes < area + 16 * 65536);
}
