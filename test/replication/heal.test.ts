import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { type Device, readLabel } from '../../src-main/device/index.ts';
import type { HealRecord, MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

const size = 4096;

/** Where the block that holds these bytes lies on a device of one volume. */
async function placeOf(device: Device, block: Uint8Array): Promise<number> {
  const { segments } = (await readLabel(device)).label.set;
  const { deviceOffsetBytes, blockCount } = segments[0]!;
  const read = new Uint8Array(size);
  for (let vbn = 0; vbn < blockCount; vbn++) {
    await device.read(deviceOffsetBytes + vbn * size, [read]);
    if (Buffer.compare(read, block) === 0) return deviceOffsetBytes + vbn * size;
  }
  return expect.fail('no block holds these bytes');
}

async function flipBit(device: Device, offsetBytes: number): Promise<void> {
  const bytes = new Uint8Array(size);
  await device.read(offsetBytes, [bytes]);
  bytes[100]! ^= 8;
  await device.write(offsetBytes, [bytes]);
}

function recordsOf(volume: Volume | MirrorVolume): HealRecord[] {
  const records: HealRecord[] = [];
  volume.healer.onHeal((record) => records.push(record));
  return records;
}

/** A primary and an identical mirror with one file, and nothing of it in the caches. */
async function pairWithFile(options: ConstructorParameters<typeof MirrorLab>[0] = {}): Promise<{ lab: MirrorLab; content: Uint8Array; places: number[] }> {
  const lab = new MirrorLab({ primaryBytes: 16 << 20, ...options });
  await lab.start();
  const content = lab.random.bytes(64 * size);
  await lab.put('report', content);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.restartMirror();
  await lab.restartPrimary();
  await lab.untilIdentical();
  const places: number[] = [];
  for (const block of [3, 40]) places.push(await placeOf(lab.primaryDevice, content.subarray(block * size, (block + 1) * size)));
  return { lab, content, places };
}

describe('a bad block met by an ordinary read', () => {
  it('of the primary is fetched from the mirror, read right, and rewritten in its place', async () => {
    const { lab, content, places } = await pairWithFile();
    const records = recordsOf(lab.primary);
    for (const place of places) await flipBit(lab.primaryDevice, place);
    expectBytes(await contentOf(lab.primary, 'report'), content);
    expect(records.map(({ outcome }) => outcome)).toEqual(['healed', 'healed']);
    lab.cut();
    expectBytes(await contentOf(lab.primary, 'report'), content);
    expect((await lab.primary.check()).problems).toEqual([]);
    await lab.close();
  });

  it('of the mirror is fetched from the primary, read right, and rewritten in its place', async () => {
    const { lab, content, places } = await pairWithFile();
    const records = recordsOf(lab.mirror);
    for (const place of places) await flipBit(lab.mirrorDevice, place);
    await using view = await lab.mirror.openView('last');
    expectBytes(await contentOf(view, 'report'), content);
    expect(records.map(({ outcome }) => outcome)).toEqual(['healed', 'healed']);
    lab.cut();
    expect((await lab.mirror.check()).problems).toEqual([]);
    await view.close();
    await lab.close();
  });

  it('is never healed from a copy that is bad too', async () => {
    const { lab, places } = await pairWithFile();
    const records = recordsOf(lab.primary);
    await flipBit(lab.primaryDevice, places[0]!);
    await flipBit(lab.mirrorDevice, places[0]!);
    const before = new Uint8Array(size);
    await lab.primaryDevice.read(places[0]!, [before]);
    await expect(contentOf(lab.primary, 'report')).rejects.toSatisfy((fault) => isFault(fault, 'checksum-mismatch'));
    expect(records.map(({ outcome }) => outcome)).toEqual(['lost']);
    const after = new Uint8Array(size);
    await lab.primaryDevice.read(places[0]!, [after]);
    expect(after).toEqual(before);
    await lab.close();
  });

  it('is not healed by a peer that sends other bytes than it was asked for', async () => {
    const { lab, content, places } = await pairWithFile();
    await flipBit(lab.mirrorDevice, places[0]!);
    const records = recordsOf(lab.mirror);
    lab.garble = (buffers) => {
      const last = buffers.at(-1)!;
      if (buffers.length > 1 && last.length === size) last[17]! ^= 1;
    };
    await using view = await lab.mirror.openView('last');
    await expect(contentOf(view, 'report')).rejects.toSatisfy((fault) => isFault(fault, 'checksum-mismatch'));
    expect(records.map(({ outcome }) => outcome)).toEqual(['lost']);
    lab.garble = undefined;
    expectBytes(await contentOf(view, 'report'), content);
    await view.close();
    await lab.close();
  });

  it('is a fault as ever while the other side is away, and a read does not wait for ever for one that is silent', async () => {
    const { lab, content, places } = await pairWithFile();
    await flipBit(lab.primaryDevice, places[0]!);
    await lab.relationship.pause();
    await expect(contentOf(lab.primary, 'report')).rejects.toSatisfy((fault) => isFault(fault, 'checksum-mismatch'));
    lab.relationship.resume();
    await lab.untilIdentical();
    const letGo = lab.stallPrimary();
    const reading = contentOf(lab.primary, 'report').then(
      () => 'read',
      () => 'refused',
    );
    let outcome = 'waits';
    void reading.then((ended) => (outcome = ended));
    await lab.until(() => outcome !== 'waits', 'an end of the read');
    expect(outcome).toBe('refused');
    letGo();
    await lab.untilIdentical();
    expectBytes(await contentOf(lab.primary, 'report'), content);
    await lab.close();
  });
});

describe('a block that is freed while it is being healed', () => {
  it('is not given to another before its rewriting has ended', async () => {
    const { lab, content, places } = await pairWithFile();
    const records = recordsOf(lab.primary);
    await flipBit(lab.primaryDevice, places[0]!);
    const letGo = lab.stallPrimary();
    const reading = contentOf(lab.primary, 'report');
    await lab.settle();
    await lab.remove('report');
    let isTaken = false;
    const taking = lab.primary.takeCp().then(() => (isTaken = true));
    await lab.settle();
    expect([isTaken, records.length]).toEqual([false, 0]);
    letGo();
    expectBytes(await reading, content);
    expect(records.map(({ outcome }) => outcome)).toEqual(['healed']);
    await taking;
    await lab.put('other', lab.random.bytes(64 * size));
    await lab.primary.takeCp();
    expect((await lab.primary.check()).problems).toEqual([]);
    await lab.untilIdentical();
    await lab.close();
  });
});

describe('a device that returns errors', () => {
  it('is served from the other side while the link lasts, even when it cannot be rewritten', async () => {
    let faulty: FaultyDevice | undefined;
    const { lab, content } = await pairWithFile({ wrapMirror: (device) => (faulty = new FaultyDevice(device)) });
    const records = recordsOf(lab.mirror);
    await using view = await lab.mirror.openView('last');
    await view.query((files) => files.lookup(1, 'report'));
    faulty!.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'for-ever' });
    faulty!.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'for-ever' });
    expectBytes(await contentOf(view, 'report'), content);
    expect(records.length).toBeGreaterThanOrEqual(64);
    expect(new Set(records.map(({ outcome, fault }) => `${outcome} ${fault?.code}`))).toEqual(new Set(['served device-io']));
    lab.cut();
    await expect(contentOf(view, 'report')).rejects.toSatisfy((fault) => isFault(fault, 'device-io'));
    await faulty!.heal();
    await view.close();
    await lab.close();
  });
});
