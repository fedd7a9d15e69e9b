import { expect, test } from 'vitest';
import { type Device, DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { MirrorLab } from './mirror-lab.ts';

/** Waits until the relationship says that a person is needed, and why. */
async function expectError(lab: MirrorLab, code: string): Promise<void> {
  await lab.until(() => lab.relationship.status().state === 'error', `error ${code}`);
  expect(lab.relationship.status()).toMatchObject({ state: 'error', code });
  expect(lab.relationship.status().reason).not.toBe('');
  expect(lab.crashes).toEqual([]);
}

/** Puts another primary in the place of the lab's. */
async function replacePrimary(lab: MirrorLab, make: (device: MemoryDevice) => Promise<Volume>): Promise<void> {
  await lab.relationship.close();
  await lab.primary.close();
  lab.primaryDevice = new MemoryDevice({ name: 'other', sizeBytes: 64 << 20 });
  lab.primary = await make(lab.primaryDevice);
  lab.connect();
}

test('a mirror of another volume is refused on both sides, and keeps what it has', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const served = lab.mirror.committedBytes;
  await replacePrimary(lab, async (device) => Volume.create(await lab.newSet([device]), lab.volumeOptions));
  await expectError(lab, 'peer-wrong-volume');
  expect(lab.service.status()).toMatchObject({ state: 'error', code: 'peer-wrong-volume' });
  expect(lab.mirror.committedBytes).toEqual(served);
});

test('a mirror that is smaller than the volume is refused; grown, it is taken', async () => {
  await using lab = new MirrorLab({ primaryBytes: 64 << 20, mirrorBytes: 48 << 20 });
  await lab.start();
  await expectError(lab, 'peer-too-small');
  expect(lab.mirror.committed).toBeUndefined();
  await lab.mirror.grow(new MemoryDevice({ name: 'second', sizeBytes: 32 << 20 }));
  await lab.untilIdentical();
});

test('an empty mirror is given to the volume of the first primary that comes', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  expect(lab.mirror.id).toEqual(new Uint8Array(16));
  await lab.untilIdentical();
  expect(lab.mirror.id).toEqual(lab.primary.id);
  expect(lab.mirror.setId).not.toEqual(lab.primary.setId);
});

/** The bytes of the primary's device, on another one. */
async function copyOfPrimary(lab: MirrorLab): Promise<MemoryDevice> {
  const bytes = new Uint8Array(lab.primaryDevice.sizeBytes);
  await lab.primaryDevice.reopen().read(0, [bytes]);
  const copy = new MemoryDevice({ name: 'backup', sizeBytes: bytes.length });
  await copy.write(0, [bytes]);
  return copy;
}

test('a primary set back, whose new history has a kept CP of the same number, is refused', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  await lab.relationship.close();
  await lab.primary.close();
  const older = await copyOfPrimary(lab);
  lab.primary = await Volume.open(await DeviceSet.open([lab.primaryDevice.reopen()]), lab.volumeOptions);
  lab.connect();
  await lab.put('file', lab.random.bytes(50_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const { mirror, service } = lab;
  const cp = mirror.committed!.cp;

  await lab.relationship.close();
  await lab.primary.close();
  lab.primary = await Volume.open(await DeviceSet.open([older]), lab.volumeOptions);
  lab.mirrorDevice = new MemoryDevice({ name: 'second mirror', sizeBytes: 64 << 20 });
  await lab.startMirror();
  lab.connect();
  await lab.untilIdentical();
  await lab.put('file', lab.random.bytes(50_000));
  while (lab.primary.root.cp < cp) {
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  expect(lab.primary.bases).toContain(cp);
  expect(lab.primary.root.cp).toBe(cp);
  await lab.relationship.close();
  await lab.primary.takeCp();
  await lab.service.close();
  await lab.mirror.close();

  lab.mirror = mirror;
  lab.service = service;
  lab.connect();
  await expectError(lab, 'peer-diverged');
  expect(lab.mirror.committed?.cp).toBe(cp);
});

test('a primary that was set back is refused, and the mirror keeps its newer CP', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  await lab.relationship.pause();
  await lab.primary.takeCp();
  await lab.primary.close();
  const older = await copyOfPrimary(lab);
  lab.primary = await Volume.open(await DeviceSet.open([lab.primaryDevice.reopen()]), lab.volumeOptions);
  await lab.relationship.close();
  lab.connect();
  await lab.put('newer', lab.random.bytes(1000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const served = lab.mirror.committedBytes;

  await lab.relationship.close();
  await lab.primary.close();
  lab.primary = await Volume.open(await DeviceSet.open([older]), lab.volumeOptions);
  lab.connect();
  await expectError(lab, 'peer-diverged');
  // Even when the old history has grown past the mirror's CP number.
  for (let round = 0; round < 6; round++) await lab.primary.takeCp();
  const messages = lab.messages;
  lab.relationship.resume();
  await lab.until(() => lab.messages > messages + 2, 'the next attempt');
  await lab.settle();
  await expectError(lab, 'peer-diverged');
  expect(lab.mirror.committedBytes).toEqual(served);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a volume with other blocks than the mirror is refused', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.relationship.close();
  await lab.service.close();
  await lab.mirror.close();
  lab.mirrorDevice = new MemoryDevice({ name: 'mirror', sizeBytes: 80 << 20 });
  const set = await DeviceSet.create([lab.mirrorDevice], {
    volumeId: lab.random.bytes(16),
    setId: lab.random.bytes(16),
    blockSizeBytes: 16384,
    journalBytes: 1 << 20,
    random: lab.random,
  });
  lab.mirror = await MirrorVolume.create(set, { name: 'mirror' });
  await lab.restartMirror();
  lab.connect();
  await expectError(lab, 'unsupported');
});

test('blocks garbled on the way are asked for again, and never committed', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  let garbled = 0;
  lab.garble = (buffers) => {
    const data = buffers.at(-1);
    // Block data alone: damage to headers and fields is the wire's to find.
    if (buffers.length < 2 || data === undefined || data.length < 4096 || garbled >= 2) return;
    garbled++;
    data[1000]! ^= 0x20;
  };
  await lab.put('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(garbled).toBe(2);
  expect(lab.relationship.status().blocksPulled).toBeGreaterThan(0);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a primary that keeps sending wrong blocks is given up with a coded fault, and its CP is not committed', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const served = lab.mirror.committedBytes;
  lab.garble = (buffers) => {
    const data = buffers.at(-1);
    if (buffers.length > 1 && data !== undefined && data.length >= 4096) data[5]! ^= 1;
  };
  await lab.put('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await expectError(lab, 'checksum-mismatch');
  expect(lab.mirror.committedBytes).toEqual(served);
  lab.garble = undefined;
  await lab.untilIdentical();
});

test('garbled frames end the session at once, and the next one goes on', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  let garbled = false;
  lab.garble = (buffers) => {
    if (garbled) return;
    garbled = true;
    buffers[0]![20]! ^= 1;
  };
  await lab.put('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(garbled).toBe(true);
});

test.each(['ENOSPC', 'EIO'] as const)('a mirror whose devices fail with %s stays at its CP, says so, and catches up when they work again', async (error) => {
  let device: FaultyDevice | undefined;
  await using lab = new MirrorLab({
    wrapMirror: (inner): Device => (device = new FaultyDevice(inner)),
  });
  await lab.start();
  await lab.untilIdentical();
  const served = lab.mirror.committedBytes;
  device!.plan({ operation: 'write', nth: 1, error, repeat: 'for-ever' });
  await lab.put('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await expectError(lab, error === 'ENOSPC' ? 'device-full' : 'device-io');
  expect(lab.mirror.committedBytes).toEqual(served);
  await lab.put('more', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await device!.heal();
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a relationship that was ended keeps nothing on the primary', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  expect(lab.primary.bases.length).toBeGreaterThan(0);
  await lab.relationship.unlink();
  await lab.primary.takeCp();
  expect(lab.primary.bases).toEqual([]);
  expect((await lab.primary.check()).problems).toEqual([]);
});
