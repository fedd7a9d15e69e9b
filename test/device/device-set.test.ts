import { describe, expect, it } from 'vitest';
import { SeededRandom, toHex } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice, segmentsMax } from '../../src-main/device/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { labelBytes, labelOffsetsBytes } from '../../src-main/device/label.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

const mebibyte = 1_048_576;
const random = new SeededRandom(1);
const volumeId = random.bytes(16);
const setId = random.bytes(16);
const createOptions = { volumeId, setId, blockSizeBytes: 4096, journalBytes: 65_536, random };

function memory(sizeMebibytes: number, name = 'memory'): MemoryDevice {
  return new MemoryDevice({ name, sizeBytes: sizeMebibytes * mebibyte });
}

function reopened(devices: readonly MemoryDevice[]): MemoryDevice[] {
  return devices.map((device) => device.reopen());
}

async function closedSet(...sizesMebibytes: number[]): Promise<MemoryDevice[]> {
  const devices = sizesMebibytes.map((size, index) => memory(size, `device-${index}`));
  await (await DeviceSet.create(devices, createOptions)).close();
  return devices;
}

async function damageLabel(device: MemoryDevice, copy: 0 | 1): Promise<void> {
  const bytes = new Uint8Array(512);
  const again = device.reopen();
  await again.read(labelOffsetsBytes[copy], [bytes]);
  bytes[300]! ^= 4;
  await again.write(labelOffsetsBytes[copy], [bytes]);
}

async function labelOf(device: MemoryDevice, copy: 0 | 1): Promise<Uint8Array> {
  const bytes = new Uint8Array(labelBytes);
  await device.reopen().read(labelOffsetsBytes[copy], [bytes]);
  return bytes;
}

async function writeBlock(set: DeviceSet, vbn: number, value: number): Promise<void> {
  await set.data.write(vbn * 4096, [new Uint8Array(4096).fill(value)]);
}

async function blockValue(set: DeviceSet, vbn: number): Promise<number> {
  const bytes = new Uint8Array(4096);
  await set.data.read(vbn * 4096, [bytes]);
  expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
  return bytes[0]!;
}

describe('creating a device set', () => {
  it('joins devices of unequal size into one space of blocks, and regions that do not overlap', async () => {
    await using set = await DeviceSet.create([memory(4), memory(2), memory(3)], createOptions);
    expect(set.data.sizeBytes).toBe(set.blockCount * 4096);
    expect(set.blockCount).toBeGreaterThan(1000);
    expect(set.journal.sizeBytes).toBe(65_536);
    for (const [index, region] of [set.data, set.journal, ...set.rootAreas].entries()) {
      for (let at = 0; at < region.sizeBytes; at += 65_536) {
        const part = new Uint8Array(Math.min(65_536, region.sizeBytes - at)).fill(index + 1);
        await region.write(at, [part]);
      }
    }
    for (const [index, region] of [set.data, set.journal, ...set.rootAreas].entries()) {
      const all = new Uint8Array(region.sizeBytes);
      await region.read(0, [all]);
      expect(all.every((byte) => byte === index + 1)).toBe(true);
    }
    await using again = await DeviceSet.open(set.devices);
    expect(again.blockCount).toBe(set.blockCount);
  });

  it('gives root areas and a journal of zeros, whatever the devices held', async () => {
    const device = memory(4);
    await device.write(0, [new Uint8Array(4 * mebibyte).fill(0xff)]);
    await using set = await DeviceSet.create([device], createOptions);
    for (const region of [set.journal, ...set.rootAreas]) {
      const all = new Uint8Array(region.sizeBytes);
      await region.read(0, [all]);
      expect(all.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('refuses a device of a volume, and leaves it alone, unless it may be wiped', async () => {
    const [device] = await closedSet(4);
    const before = await labelOf(device!, 0);
    const again = DeviceSet.create(reopened([device!]), createOptions);
    await expect(again).rejects.toMatchObject({ code: 'volume-exists' });
    expect(await labelOf(device!, 0)).toEqual(before);
    const other = { ...createOptions, volumeId: random.bytes(16), wipe: true };
    await using set = await DeviceSet.create(reopened([device!]), other);
    expect(set.volumeId).toEqual(other.volumeId);
  });

  it('refuses block sizes that are no power of two from 4 to 64 KiB', async () => {
    for (const blockSizeBytes of [512, 2048, 4095, 5000, 12_288, 131_072, 0]) {
      const creating = DeviceSet.create([memory(4)], { ...createOptions, blockSizeBytes });
      await expect(creating).rejects.toMatchObject({ code: 'argument-invalid' });
    }
    for (const blockSizeBytes of [4096, 8192, 16_384, 32_768, 65_536]) {
      await using set = await DeviceSet.create([memory(4)], { ...createOptions, blockSizeBytes });
      expect(set.data.sizeBytes).toBe(set.blockCount * blockSizeBytes);
    }
  });

  it('refuses a device too small for its part, naming it and how much it needs', async () => {
    const creating = DeviceSet.create([memory(4), memory(1, 'tiny')], createOptions);
    await expect(creating).rejects.toMatchObject({ code: 'device-too-small' });
    await expect(creating).rejects.toThrow(/tiny .*at least/);
  });

  it('refuses more devices than a label has room for, and none at all', async () => {
    const many = Array.from({ length: 65 }, () => memory(4));
    await expect(DeviceSet.create(many, createOptions)).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(DeviceSet.open([])).rejects.toMatchObject({ code: 'argument-invalid' });
    await using set = await DeviceSet.create(many.slice(0, 64), createOptions);
    await using again = await DeviceSet.open([...set.devices].reverse());
    expect(again.blockCount).toBe(set.blockCount);
  });

  it('spans 32 TiB', async () => {
    const devices = [16, 16].map((tebibytes) => new MemoryDevice({ sizeBytes: tebibytes * 2 ** 40 }));
    await using set = await DeviceSet.create(devices, createOptions);
    await writeBlock(set, set.blockCount - 1, 5);
    expect(set.blockCount * 4096).toBeGreaterThan(31.9 * 2 ** 40);
    expect(await blockValue(set, set.blockCount - 1)).toBe(5);
  });
});

describe('opening a device set', () => {
  it('takes the devices in any order and finds each block where it was', async () => {
    const devices = [memory(4), memory(2), memory(3)];
    const set = await DeviceSet.create(devices, createOptions);
    const vbns = Array.from({ length: 40 }, (_, index) => Math.floor((index * (set.blockCount - 1)) / 39));
    for (const [index, vbn] of vbns.entries()) await writeBlock(set, vbn, index + 1);
    await set.close();
    const [a, b, c] = reopened(devices);
    await using again = await DeviceSet.open([c!, a!, b!]);
    for (const [index, vbn] of vbns.entries()) expect(await blockValue(again, vbn)).toBe(index + 1);
    expect(again.volumeId).toEqual(volumeId);
    expect(again.setId).toEqual(setId);
    expect(again.blockSizeBytes).toBe(4096);
  });

  it('says that a device without a label is no volume', async () => {
    await expect(DeviceSet.open([memory(4, 'blank')])).rejects.toMatchObject({ code: 'not-a-volume' });
    await expect(DeviceSet.open([new MemoryDevice({ sizeBytes: 512 })])).rejects.toMatchObject({ code: 'not-a-volume' });
  });

  it('mends one damaged copy of a label, whichever it is, and only when it may write', async () => {
    for (const copy of [0, 1] as const) {
      const [device] = await closedSet(4);
      const whole = await labelOf(device!, copy);
      await damageLabel(device!, copy);
      const damaged = await labelOf(device!, copy);
      await (await DeviceSet.open(reopened([device!]), { readOnly: true })).close();
      expect(await labelOf(device!, copy)).toEqual(damaged);
      await (await DeviceSet.open(reopened([device!]))).close();
      expect(await labelOf(device!, copy)).toEqual(whole);
    }
  });

  it('says that the volume is damaged when both copies are', async () => {
    const [device] = await closedSet(4);
    await damageLabel(device!, 0);
    await damageLabel(device!, 1);
    await expect(DeviceSet.open(reopened([device!]))).rejects.toMatchObject({ code: 'volume-damaged' });
  });

  it('refuses a device of another volume and says of which', async () => {
    const [own] = await closedSet(4);
    const foreign = memory(4, 'stranger');
    const otherVolumeId = random.bytes(16);
    const other = { ...createOptions, volumeId: otherVolumeId, setId: random.bytes(16) };
    await (await DeviceSet.create([foreign], other)).close();
    const opening = DeviceSet.open(reopened([own!, foreign]));
    await expect(opening).rejects.toMatchObject({ code: 'device-foreign' });
    await expect(opening).rejects.toThrow(new RegExp(`stranger .*${toHex(otherVolumeId)}`));
  });

  it('names the device that is missing by index, id and size', async () => {
    const devices = await closedSet(4, 2, 3);
    const set = await DeviceSet.open(reopened(devices));
    const id = toHex(set.description.devices[1]!.id);
    await set.close();
    const [first, , third] = devices;
    const opening = DeviceSet.open(reopened([first!, third!]));
    await expect(opening).rejects.toMatchObject({ code: 'device-missing' });
    await expect(opening).rejects.toThrow(new RegExp(`Device 1 of 3 .*${id}.* MiB`));
  });

  it('refuses a device given twice, or a copy of it', async () => {
    const [device] = await closedSet(4);
    const opening = DeviceSet.open(reopened([device!, device!]));
    await expect(opening).rejects.toMatchObject({ code: 'device-in-use' });
  });

  it('refuses a device that has shrunk below what the volume uses', async () => {
    const [device] = await closedSet(4);
    const bytes = new Uint8Array(3 * mebibyte);
    await device!.reopen().read(0, [bytes]);
    const cut = memory(3, 'cut');
    await cut.write(0, [bytes]);
    const opening = DeviceSet.open([cut]);
    await expect(opening).rejects.toMatchObject({ code: 'device-too-small' });
    await expect(opening).rejects.toThrow('cut');
  });

  it('passes a fault of a device on as it is', async () => {
    const [device] = await closedSet(4);
    const faulty = new FaultyDevice(device!.reopen());
    faulty.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'once' });
    await expect(DeviceSet.open([faulty])).rejects.toMatchObject({ code: 'device-io' });
  });
});

describe('a device set', () => {
  it('flushes every device, and reports one that fails after all have ended', async () => {
    const faulty = new FaultyDevice(memory(2));
    const last = new FaultyDevice(memory(2));
    await using set = await DeviceSet.create([memory(4), faulty, last], createOptions);
    const before = last.counts.flush;
    faulty.plan({ operation: 'flush', nth: 1, error: 'EIO', repeat: 'once' });
    await expect(set.flush()).rejects.toMatchObject({ code: 'device-io' });
    expect(last.counts.flush).toBe(before + 1);
  });

  it('closes its devices and regions, and may be closed twice', async () => {
    const devices: Device[] = [memory(4), memory(2)];
    const set = await DeviceSet.create(devices, createOptions);
    await set.close();
    await set.close();
    for (const closed of [...devices, set.data, set.journal, ...set.rootAreas]) {
      await expect(closed.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'device-closed' });
    }
    await expect(set.grow()).rejects.toMatchObject({ code: 'device-closed' });
  });

  it('is adopted by another volume: its volume id changes, its set id stays', async () => {
    const devices = [memory(4), memory(2)];
    const set = await DeviceSet.create(devices, createOptions);
    const other = random.bytes(16);
    await set.adopt(other);
    expect(set.volumeId).toEqual(other);
    await set.close();
    await using again = await DeviceSet.open(reopened(devices));
    expect(again.volumeId).toEqual(other);
    expect(again.setId).toEqual(setId);
  });

  it('open read-only is neither grown nor adopted', async () => {
    const devices = await closedSet(4);
    await using set = await DeviceSet.open(reopened(devices), { readOnly: true });
    await expect(set.grow(memory(4))).rejects.toMatchObject({ code: 'not-permitted' });
    await expect(set.adopt(random.bytes(16))).rejects.toMatchObject({ code: 'not-permitted' });
  });
});

describe('growing a device set', () => {
  it('by a device keeps every block and adds the new ones behind', async () => {
    const devices = [memory(4), memory(2)];
    const set = await DeviceSet.create(devices, createOptions);
    const before = set.blockCount;
    for (let vbn = 0; vbn < before; vbn++) await writeBlock(set, vbn, vbn % 250);
    const added = memory(3);
    await set.grow(added);
    expect(set.blockCount).toBeGreaterThan(before);
    await writeBlock(set, set.blockCount - 1, 251);
    const after = set.blockCount;
    await set.close();
    await using again = await DeviceSet.open(reopened([added, ...devices]));
    expect(again.blockCount).toBe(after);
    for (let vbn = 0; vbn < before; vbn++) expect(await blockValue(again, vbn)).toBe(vbn % 250);
    expect(await blockValue(again, after - 1)).toBe(251);
  });

  it('takes in the room of devices that grew, and changes nothing when there is none', async () => {
    const devices = [memory(4), memory(2)];
    const set = await DeviceSet.create(devices, createOptions);
    const before = set.blockCount;
    await writeBlock(set, before - 1, 9);
    await set.grow();
    expect([set.blockCount, set.description.generation]).toEqual([before, 1]);
    await devices[0]!.grow(5 * mebibyte);
    await devices[1]!.grow(3 * mebibyte);
    await set.grow();
    expect(set.blockCount).toBe(before + (2 * mebibyte) / 4096);
    await writeBlock(set, set.blockCount - 1, 8);
    expect(await blockValue(set, before - 1)).toBe(9);
    await set.close();
    await using again = await DeviceSet.open(reopened(devices));
    expect(await blockValue(again, again.blockCount - 1)).toBe(8);
  });

  it('of its last device again and again needs no more segments', async () => {
    const device = memory(4);
    await using set = await DeviceSet.create([device], createOptions);
    for (let size = 5; size < 5 + 2 * segmentsMax; size++) {
      await device.grow(size * mebibyte);
      await set.grow();
    }
    expect(set.description.segments).toHaveLength(1);
  });

  it('ends with a coded fault when the labels are full, and the set goes on as it was', async () => {
    const devices = [memory(4), memory(2)];
    await using set = await DeviceSet.create(devices, createOptions);
    let size = 5;
    const growAll = async (): Promise<void> => {
      for (; size < 200; size++) {
        await devices[0]!.grow(size * mebibyte);
        await set.grow();
        await devices[1]!.grow(size * mebibyte);
        await set.grow();
      }
    };
    await expect(growAll()).rejects.toMatchObject({ code: 'unsupported' });
    expect(set.description.segments).toHaveLength(segmentsMax);
    await writeBlock(set, set.blockCount - 1, 3);
    expect(await blockValue(set, set.blockCount - 1)).toBe(3);
  });

  it('refuses a device of another volume and one of its own', async () => {
    const [foreign] = await closedSet(4);
    const own = memory(4);
    await using set = await DeviceSet.create([own], { ...createOptions, setId: random.bytes(16) });
    await expect(set.grow(foreign!.reopen())).rejects.toMatchObject({ code: 'volume-exists' });
    await expect(set.grow(own.reopen())).rejects.toMatchObject({ code: 'volume-exists' });
  });

  it('that failed halfway is not tried again before the set is opened anew', async () => {
    const inner = memory(4);
    const faulty = new FaultyDevice(inner);
    const set = await DeviceSet.create([faulty], createOptions);
    const blocks = set.blockCount;
    faulty.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'once' });
    const added = memory(4);
    await expect(set.grow(added)).rejects.toMatchObject({ code: 'device-io' });
    await expect(set.grow()).rejects.toMatchObject({ code: 'device-io' });
    expect(set.blockCount).toBe(blocks);
    await writeBlock(set, 0, 1);
    await set.close();
    await using again = await DeviceSet.open(reopened([inner]));
    await again.grow(added.reopen());
    expect(again.blockCount).toBeGreaterThan(blocks);
  });

  it('with another device after one attempt was given up refuses the device of that attempt by name', async () => {
    const inner = memory(4);
    const faulty = new FaultyDevice(inner);
    const set = await DeviceSet.create([faulty], createOptions);
    faulty.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'once' });
    const givenUp = memory(4, 'given up');
    await expect(set.grow(givenUp)).rejects.toMatchObject({ code: 'device-io' });
    await set.close();
    const chosen = memory(6);
    const again = await DeviceSet.open(reopened([inner]));
    await again.grow(chosen);
    const blocks = again.blockCount;
    await again.close();
    const all = DeviceSet.open([givenUp.reopen(), ...reopened([chosen, inner])]);
    await expect(all).rejects.toMatchObject({ code: 'device-foreign' });
    await expect(all).rejects.toThrow('given up');
    await using right = await DeviceSet.open(reopened([chosen, inner]));
    expect(right.blockCount).toBe(blocks);
  });
});
