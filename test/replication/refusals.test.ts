import { expect, test } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { createMemoryPair, type Link } from '../../src-main/transport/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { contentOf, expectBytes, MirrorLab, namesOf } from './mirror-lab.ts';

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

test('a primary that was set back is refused while the mirror is ahead; then the mirror follows, and keeps its newer state aside', async () => {
  await using lab = new MirrorLab();
  await setBack(lab, { hasCommonCp: true });
  const served = lab.mirror.committed!.cp;
  lab.connect();
  await expectError(lab, 'peer-diverged');
  expect(lab.mirror.committed!.cp).toBe(served);
  // The old history has grown past the mirror's CP number.
  await lab.put('other', lab.random.bytes(100_000));
  for (let round = 0; round < 6; round++) await lab.primary.takeCp();
  lab.relationship.resume();
  await lab.untilIdentical();
  await expectSetAside(lab, served);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('an administrator has a mirror that is ahead follow, and its newer state is kept aside', async () => {
  await using lab = new MirrorLab();
  await setBack(lab, { hasCommonCp: false });
  const served = lab.mirror.committed!.cp;
  lab.connect();
  await expectError(lab, 'peer-diverged');
  await lab.relationship.close();
  lab.primary.setMirrorNeeds('lab', { committedCp: 0, neededCps: [], inFlightCps: [] });
  for (let round = 0; round < 6; round++) await lab.primary.takeCp();
  lab.connect();
  await lab.until(() => lab.relationship.status().code === 'no-common-cp', 'the refusal for want of a common CP');
  expect(lab.mirror.committed!.cp).toBe(served);
  expect(lab.mirror.setAside).toBeUndefined();
  lab.relationship.resync();
  await lab.untilIdentical();
  expect(lab.primary.root.cp).toBeGreaterThan(served);
  await expectSetAside(lab, served);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

/** A mirror that has a newer state than its primary, which was opened from an older copy of its device. */
async function setBack(lab: MirrorLab, options: { hasCommonCp: boolean }): Promise<void> {
  await lab.start();
  await lab.put('first', lab.random.bytes(50_000));
  if (options.hasCommonCp) await lab.primary.createSnapshot('common');
  else await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.relationship.pause();
  await lab.primary.takeCp();
  await lab.primary.close();
  const older = await copyOfPrimary(lab);
  lab.primary = await Volume.open(await DeviceSet.open([lab.primaryDevice.reopen()]), lab.volumeOptions);
  await lab.relationship.close();
  lab.connect();
  await lab.put('newer', newer);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.relationship.close();
  await lab.primary.close();
  lab.primary = await Volume.open(await DeviceSet.open([older]), lab.volumeOptions);
}

const newer = new SeededRandom(8).bytes(60_000);

async function expectSetAside(lab: MirrorLab, cp: number): Promise<void> {
  expect(lab.mirror.setAside).toMatchObject({ name: `set-aside-cp${cp}`, cp });
  const view = await lab.mirror.openView({ snapshot: `set-aside-cp${cp}` });
  expectBytes(await contentOf(view, 'newer'), newer);
  await view.close();
  const last = await lab.mirror.openView('last');
  expect(await namesOf(last)).not.toContain('newer');
  await last.close();
}

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

test("a mirror's devices are not opened as a primary, nor a primary's as a mirror", async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const copyOfMirror = await DeviceSet.open([lab.mirrorDevice.reopen()]);
  await expect(Volume.open(copyOfMirror, lab.volumeOptions)).rejects.toMatchObject({ code: 'volume-is-mirror' });
  const copyOfPrimary = await DeviceSet.open([lab.primaryDevice.reopen()]);
  await expect(MirrorVolume.open(copyOfPrimary, { name: 'mirror' })).rejects.toMatchObject({ code: 'volume-is-primary' });
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

test('a root whose commit failed at the last flush may be on the mirror all the same: it stays kept until a later one stands', async () => {
  let device: FaultyDevice | undefined;
  await using lab = new MirrorLab({ wrapMirror: (inner): Device => (device = new FaultyDevice(inner)) });
  await lab.start();
  await lab.untilIdentical();
  const { cp } = lab.mirror.committed!;
  device!.plan({ operation: 'flush', nth: 2, error: 'EIO', repeat: 'once' });
  await lab.put('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  await expectError(lab, 'device-io');
  expect(lab.mirror.committed?.cp).toBe(cp);
  expect(lab.mirror.neededCps).toEqual([cp + 1]);
  await lab.overwrite('file', lab.random.bytes(300_000));
  await lab.primary.takeCp();
  expect(lab.primary.bases).toEqual([cp, cp + 1]);
  await lab.restartMirror();
  expect(lab.mirror.committed?.cp).toBe(cp + 1);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('links that never say who they are do not disturb the relationship, and are bounded', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const strangers = Array.from({ length: 10 }, () => createMemoryPair());
  const served = strangers.map(([, far]) => lab.service.accept(far));
  await lab.settle();
  const ended = await Promise.all(strangers.map(([near]) => Promise.race([endOf(near), lab.settle().then(() => false)])));
  expect(ended.filter((isEnded) => isEnded)).toHaveLength(6);
  await lab.put('file', lab.random.bytes(10_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  lab.clock.pass(60_000);
  await Promise.all(served);
  await lab.untilIdentical();
});

/** Resolves to true when the link has ended. */
async function endOf(link: Link): Promise<boolean> {
  while ((await link.receive()) !== undefined);
  return true;
}
