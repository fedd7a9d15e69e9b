import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { carriesLabel, type Device, DeviceSet, MemoryDevice, readLabel } from '../../src-main/device/index.ts';
import { testSeed } from '../seed.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

const MiB = 1 << 20;

function memory(name: string, sizeBytes = 8 * MiB): MemoryDevice {
  return new MemoryDevice({ name, sizeBytes });
}

async function newSet(devices: Device[], seed = testSeed): Promise<{ set: DeviceSet; random: SeededRandom }> {
  const random = new SeededRandom(seed);
  const set = await DeviceSet.create(devices, {
    volumeId: random.bytes(16),
    setId: random.bytes(16),
    blockSizeBytes: 4096,
    journalBytes: MiB,
    random,
  });
  return { set, random };
}

/** Everything that the regions of a set hold. */
async function contentOf(set: DeviceSet): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const region of [set.data, set.journal, ...set.rootAreas]) {
    const bytes = Buffer.alloc(region.sizeBytes);
    await region.read(0, [bytes]);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

async function fill(set: DeviceSet, random: SeededRandom): Promise<void> {
  for (const region of [set.data, set.journal, ...set.rootAreas]) await region.write(0, [random.bytes(region.sizeBytes)]);
  await set.flush();
}

const nothing = (): Promise<void> => Promise.resolve();

describe('a device that is replaced', () => {
  it.each([0, 1])('has its content on the new one, whatever is written meanwhile: device %i', async (index) => {
    const devices = [memory('first'), memory('second')];
    const { set, random } = await newSet(devices);
    await fill(set, random);
    const next = memory('next', 12 * MiB);
    let isCommitted = false;
    const writes: Promise<void>[] = [];
    const unreadable = await set.replaceDevice({
      index,
      device: next,
      onProgress: () => {
        for (let more = 0; more < 20; more++) {
          const region = random.pick([set.data, set.journal, ...set.rootAreas]);
          // One writer per place at a time, as every user of the set keeps it.
          const slot = writes.length * 4096;
          if (slot + 4096 <= region.sizeBytes) writes.push(region.write(slot, [random.bytes(4096)]));
        }
      },
      commit: () => {
        isCommitted = true;
        return nothing();
      },
    });
    await Promise.all(writes);
    await set.flush();
    expect(unreadable).toBe(0);
    expect(isCommitted).toBe(true);
    const content = await contentOf(set);
    expect(set.devices[index]).toBe(next);
    expect(await carriesLabel(devices[index]!.reopen())).toBe(false);
    await set.close();
    const others = devices.map((device, at) => (at === index ? next.reopen() : device.reopen()));
    const again = await DeviceSet.open(others);
    expect(Buffer.compare(await contentOf(again), content), `seed ${testSeed}`).toBe(0);
  });

  it('opens with whichever device was stored, when a crash comes at any write and flush', async () => {
    const seed = testSeed;
    for (let kill = 1; ; kill++) {
      const devices = [memory('first', 4 * MiB), memory('second', 4 * MiB)];
      const { set, random } = await newSet(devices, seed);
      await set.data.write(0, [random.bytes(64 * 4096)]);
      await set.flush();
      const before = await contentOf(set);
      const next = memory('next', 4 * MiB);
      const done = { isCommitted: false };
      let operations = 0;
      const crash = Promise.withResolvers<string>();
      const die = (): Promise<never> => {
        crash.resolve('crashed');
        return new Promise(() => undefined);
      };
      // Nothing that comes after the crash is done.
      const dying = (device: Device): Device =>
        new Proxy(device, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target);
            if (key !== 'write' && key !== 'flush') return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
            return (...args: unknown[]) => (++operations >= kill ? die() : (value as (...args: unknown[]) => unknown).apply(target, args));
          },
        });
      await set.close();
      const opened = await DeviceSet.open([dying(devices[0]!.reopen()), dying(devices[1]!.reopen())], { random });
      const replaced = opened
        .replaceDevice({
          index: 1,
          device: dying(next),
          commit: () => {
            done.isCommitted = operations < kill;
            return done.isCommitted ? nothing() : die();
          },
        })
        .then(() => 'ended');
      const outcome = await Promise.race([replaced, crash.promise]);
      const second = done.isCommitted ? next : devices[1]!;
      const survivor = await DeviceSet.open([devices[0]!.reopen(), second.reopen()]);
      expect(Buffer.compare(await contentOf(survivor), before), `kill ${kill}, seed ${seed}`).toBe(0);
      if (outcome === 'ended') {
        expect(kill).toBeGreaterThan(10);
        return;
      }
    }
  });

  it('may fail to give some of its content: the rest is copied, and what is missing is told', async () => {
    const old = new FaultyDevice(memory('old'));
    const { set, random } = await newSet([old]);
    await fill(set, random);
    const content = await contentOf(set);
    const { segments } = (await readLabel(old)).label.set;
    const badFrom = segments[0]!.deviceOffsetBytes + 100 * 4096;
    const failing: Device = Object.create(old) as Device;
    failing.read = (offset, buffers) => {
      const end = offset + buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      if (offset < badFrom + 8192 && end > badFrom) old.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'once' });
      return old.read(offset, buffers);
    };
    failing.write = (offset, buffers) => old.write(offset, buffers);
    failing.flush = () => old.flush();
    failing.discard = (offset, length) => old.discard(offset, length);
    failing.close = () => old.close();
    Object.defineProperty(failing, 'name', { value: 'old' });
    Object.defineProperty(failing, 'sizeBytes', { value: old.sizeBytes });
    const again = await DeviceSet.open([failing]);
    const unreadable = await again.replaceDevice({ index: 0, device: memory('next'), commit: nothing });
    expect(unreadable).toBe(8192);
    const copied = await contentOf(again);
    content.fill(0, 100 * 4096, 102 * 4096);
    expect(Buffer.compare(copied, content)).toBe(0);
  });

  it('stays when the new one fails, is too small, carries a label, or the work is given up', async () => {
    const { set, random } = await newSet([memory('old')]);
    await fill(set, random);
    const content = await contentOf(set);
    const failing = new FaultyDevice(memory('failing'));
    failing.plan({ operation: 'write', nth: 3, error: 'EIO', repeat: 'for-ever' });
    await expect(set.replaceDevice({ index: 0, device: failing, commit: nothing })).rejects.toMatchObject({ code: 'device-io' });
    await expect(set.replaceDevice({ index: 0, device: memory('small', 4 * MiB), commit: nothing })).rejects.toMatchObject({ code: 'device-too-small' });
    const labelled = memory('labelled');
    await (await newSet([labelled])).set.close();
    const taken = labelled.reopen();
    await expect(set.replaceDevice({ index: 0, device: taken, commit: nothing })).rejects.toMatchObject({ code: 'volume-exists' });
    const giveUp = (): never => {
      throw new Error('given up');
    };
    await expect(set.replaceDevice({ index: 0, device: memory('next'), onProgress: giveUp, commit: nothing })).rejects.toThrow('given up');
    await set.data.write(0, [content.subarray(0, 4096)]);
    expect(Buffer.compare(await contentOf(set), content)).toBe(0);
    expect(set.devices.map(({ name }) => name)).toEqual(['old']);
    expect(await set.replaceDevice({ index: 0, device: taken, wipe: true, commit: nothing })).toBe(0);
    expect(Buffer.compare(await contentOf(set), content)).toBe(0);
  });
});
