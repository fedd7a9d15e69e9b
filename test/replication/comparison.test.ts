import { expect, test } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { rootChecksumOf } from '../../src-main/format/index.ts';
import { MirrorVolume, type RootView, Volume } from '../../src-main/volume/index.ts';
import { crashModes, crashStates } from '../simulation/crash-states.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { testSeed } from '../seed.ts';
import { contentOf, expectBytes, MirrorLab, namesOf } from './mirror-lab.ts';

const noNeeds = { committedCp: 0, neededCps: [], inFlightCps: [] };

/** What a lab's mirror held when its primary gave up its base. */
interface LostBase {
  readonly cp: number;
  readonly checksum: bigint;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Mirrors a file of `kept` bytes and a number of files of a MiB or less, gives
 * the mirror's base up, and overwrites the latter until their old places are
 * used again.
 */
async function loseBase(lab: MirrorLab, bytes: { kept: number; changed: number }): Promise<LostBase> {
  const files = new Map([['kept', lab.random.bytes(bytes.kept)]]);
  for (let left = bytes.changed; left > 0; left -= 1 << 20) {
    files.set(`changed ${left}`, lab.random.bytes(Math.min(left, 1 << 20)));
  }
  await lab.start();
  for (const [name, content] of files) await lab.put(name, content);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const lost = { cp: lab.primary.root.cp, checksum: rootChecksumOf(lab.primary.rootBytes), files };
  await lab.relationship.close();
  lab.primary.setMirrorNeeds('lab', noNeeds);
  for (let writtenBytes = 0; writtenBytes < 2 * lab.primaryDevice.sizeBytes; ) {
    for (const [name, content] of files) {
      if (name === 'kept') continue;
      await lab.overwrite(name, lab.random.bytes(content.length));
      await lab.primary.takeCp();
      writtenBytes += content.length + 32_768;
    }
  }
  expect(lab.primary.bases).not.toContain(lost.cp);
  lab.bytesFromPrimary = 0;
  return lost;
}

async function expectOldState(view: RootView, lost: LostBase): Promise<void> {
  expect(view.cp).toBe(lost.cp);
  for (const [name, content] of lost.files) expectBytes(await contentOf(view, name), content);
}

test('a mirror whose base was given up gets what differs alone, and serves its old root until the new one is whole', async () => {
  await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
  const lost = await loseBase(lab, { kept: 12 << 20, changed: 3 << 20 });
  const openBefore = await lab.mirror.openView('last');
  lab.cutAtBytes = 5 << 19;
  lab.connect(lost);
  await lab.until(() => lab.wasCutAtBytes, 'the cut in the middle of the comparison');
  await expectOldState(openBefore, lost);
  const openWithin = await lab.mirror.openView('last');
  await expectOldState(openWithin, lost);
  await openBefore.close();
  await openWithin.close();

  await lab.restartMirror();
  const openAfter = await lab.mirror.openView('last');
  await expectOldState(openAfter, lost);
  expect((await lab.mirror.check()).problems).toEqual([]);

  await lab.untilIdentical();
  await expectOldState(openAfter, lost);
  await openAfter.close();
  expect((await lab.mirror.check()).problems).toEqual([]);
  expect(lab.mirror.setAside).toBeUndefined();
  // What was under way at the cut is sent once more, and no more than that.
  expect(lab.bytesFromPrimary).toBeLessThan(1.1 * (3 << 20) + (1 << 20));
  await using last = await lab.mirror.openView('last');
  expectBytes(await contentOf(last, 'kept'), lost.files.get('kept')!);
});

test('a comparison costs what differs: of 24 MiB in use with 1 % changed, under 3 % is exchanged', async () => {
  await using lab = new MirrorLab({ primaryBytes: 48 << 20 });
  const lost = await loseBase(lab, { kept: 24 << 20, changed: 240 << 10 });
  lab.connect(lost);
  await lab.untilIdentical();
  expect(lab.bytesFromPrimary).toBeLessThan(0.03 * (24 << 20));
});

test('without a memory of the mirror’s root, a snapshot that both have shows that they are of one history', async () => {
  await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
  await lab.start();
  await lab.put('first', lab.random.bytes(100_000));
  await lab.primary.createSnapshot('common');
  await lab.put('changed', lab.random.bytes(2 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const { cp } = lab.mirror.committed!;
  await lab.relationship.close();
  lab.primary.setMirrorNeeds('lab', noNeeds);
  for (let round = 0; round < 12; round++) {
    await lab.overwrite('changed', lab.random.bytes(2 << 20));
    await lab.primary.takeCp();
  }
  lab.connect();
  await lab.untilIdentical();
  // The primary could not tell that the mirror's root was an ancestor of its own.
  expect(lab.mirror.setAside).toMatchObject({ cp, name: `set-aside-cp${cp}` });
  await lab.mirror.dropSetAside();
  expect(lab.mirror.setAside).toBeUndefined();
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a mirror without room to keep its old root says so and serves it, and goes on when it has grown', async () => {
  await using lab = new MirrorLab({ primaryBytes: 24 << 20 });
  const lost = await loseBase(lab, { kept: 3 << 20, changed: 11 << 20 });
  lab.connect(lost);
  await lab.until(() => lab.relationship.status().code === 'mirror-full', 'the fault of a full mirror');
  const view = await lab.mirror.openView('last');
  await expectOldState(view, lost);
  await view.close();
  await lab.mirror.grow(new MemoryDevice({ name: 'more', sizeBytes: 16 << 20 }));
  lab.relationship.resume();
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test.each(crashModes)('power lost at any write of a mirror that compares leaves its old root whole, or the new one (%s)', async (mode) => {
  const trace = new Trace();
  let firstEvent = 0;
  {
    await using lab = new MirrorLab({
      primaryBytes: 8 << 20,
      wrapMirror: () => new TraceDevice(trace, { name: 'mirror', sizeBytes: 9 << 20 }),
    });
    const lost = await loseBase(lab, { kept: 200_000, changed: 1 << 20 });
    firstEvent = trace.events.length;
    lab.connect(lost);
    await lab.untilIdentical();
    trace.mark(lab.mirror.committed!.cp);
  }
  let states = 0;
  for (const state of crashStates(trace, { mode, random: new SeededRandom(testSeed), fromEvent: firstEvent, samplesPerEvent: 4 })) {
    const where = `seed ${testSeed}, ${state.description}`;
    await using mirror = await MirrorVolume.open(await DeviceSet.open(state.devices()), { name: 'mirror', cacheBytes: 1 << 20 });
    expect(mirror.committed!.cp, where).toBeGreaterThanOrEqual((state.marks.at(-1) as number | undefined) ?? 1);
    expect((await mirror.check()).problems, where).toEqual([]);
    states++;
  }
  expect(states).toBeGreaterThan(10);
});

/** A lab in which the mirror was promoted while the old primary wrote on, and the old primary is back. */
async function returned(lab: MirrorLab, late: Uint8Array | undefined, beforeStepDown = (): void => undefined): Promise<{ commonCp: number }> {
  await lab.start();
  await lab.put('both', lab.random.bytes(1 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const commonCp = lab.primary.root.cp;
  await lab.relationship.close();
  if (late !== undefined) {
    await lab.put('late', late);
    for (let round = 0; round < 3; round++) {
      await lab.overwrite('both', lab.random.bytes(1 << 20));
      await lab.primary.takeCp();
    }
  }
  await lab.primary.close();
  await lab.service.close();
  await lab.mirror.close();
  const old = await DeviceSet.open([lab.reopenedPrimaryDevice()]);
  const copy = await DeviceSet.open([lab.mirrorDevice.reopen()]);
  lab.primary = await Volume.promote(copy, { ...lab.volumeOptions, name: 'promoted' }, { epoch: 2 });
  await lab.put('new', lab.random.bytes(2 << 20));
  await lab.primary.takeCp();
  beforeStepDown();
  await lab.replaceMirror(await MirrorVolume.stepDown(old, { name: 'old primary', setAsideName: 'before', cacheBytes: 4 << 20 }));
  lab.bytesFromPrimary = 0;
  return { commonCp };
}

async function expectLate(lab: MirrorLab, late: Uint8Array): Promise<void> {
  await using view = await lab.mirror.openView({ snapshot: 'before' });
  expectBytes(await contentOf(view, 'late'), late);
  expect(await namesOf(view)).toEqual(['both', 'late']);
}

test('a primary that stepped down keeps what it alone had as a state set aside, and follows by what differs', async () => {
  await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
  const late = lab.random.bytes(1 << 20);
  const { commonCp } = await returned(lab, late);
  expect(lab.mirror.committed!.cp).toBeGreaterThan(commonCp);
  await expectLate(lab, late);
  lab.connect();
  await lab.untilIdentical();
  expect(lab.bytesFromPrimary).toBeLessThan(1.1 * (3 << 20));
  expect(lab.mirror.setAside).toMatchObject({ name: 'before' });
  await expectLate(lab, late);
  // It stays what it is while mirroring goes on, also over restarts.
  for (let round = 0; round < 8; round++) {
    await lab.put(`file ${round}`, lab.random.bytes(500_000));
    await lab.overwrite('new', lab.random.bytes(2 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    await expectLate(lab, late);
  }
  expect((await lab.mirror.check()).problems).toEqual([]);
  expect(lab.mirror.setAside!.displacedBlocks).toBeGreaterThan(0);
});

test('a primary that stepped down with nothing of its own keeps nothing aside', async () => {
  await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
  await returned(lab, undefined);
  lab.connect();
  await lab.untilIdentical();
  expect(lab.mirror.setAside).toBeUndefined();
  await expect(lab.mirror.openView({ snapshot: 'before' })).rejects.toMatchObject({ code: 'snapshot-not-found' });
  expect(lab.bytesFromPrimary).toBeLessThan(1.1 * (2 << 20));
});

test('a state set aside gives way when mirroring needs its room, and that is told', async () => {
  await using lab = new MirrorLab({ primaryBytes: 24 << 20 });
  await returned(lab, lab.random.bytes(4 << 20));
  const lost: { name: string; cp: number }[] = [];
  lab.mirror.onSetAsideLost((state) => lost.push(state));
  lab.connect();
  await lab.untilIdentical();
  for (let round = 0; lost.length === 0; round++) {
    expect(round).toBeLessThan(30);
    await lab.put(`file ${round}`, lab.random.bytes(1 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  expect(lost).toMatchObject([{ name: 'before' }]);
  expect(lab.mirror.setAside).toBeUndefined();
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('devices that stepped down open as a mirror only, and can be promoted again', async () => {
  await using lab = new MirrorLab({ primaryBytes: 16 << 20 });
  await returned(lab, lab.random.bytes(100_000));
  const { cp } = lab.mirror.committed!;
  await lab.service.close();
  await lab.mirror.close();
  const open = async (): Promise<DeviceSet> => DeviceSet.open([(lab.primaryDevice = lab.primaryDevice.reopen())]);
  await expect(Volume.open(await open(), lab.volumeOptions)).rejects.toMatchObject({ code: 'volume-is-mirror' });
  const mirror = await MirrorVolume.open(await open(), { name: 'old primary' });
  expect(mirror.committed!.cp).toBe(cp);
  await mirror.close();
  await using promoted = await Volume.promote(await open(), lab.volumeOptions, { epoch: 3 });
  expect(await namesOf(promoted)).toContain('late');
  expect((await promoted.check()).problems).toEqual([]);
  await lab.replaceMirror(await MirrorVolume.create(await lab.newSet([new MemoryDevice({ sizeBytes: 16 << 20 })]), { name: 'none' }));
});

class LastingDevice extends TraceDevice {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

test.each(crashModes)('power lost at any write of a primary that steps down and follows loses nothing of what it had (%s)', async (mode) => {
  const trace = new Trace();
  let firstEvent = 0;
  let late: Uint8Array;
  {
    await using lab = new MirrorLab({ primaryBytes: 16 << 20, primaryDisk: new LastingDevice(trace, { name: 'old', sizeBytes: 16 << 20 }) });
    late = lab.random.bytes(300_000);
    await returned(lab, late, () => {
      firstEvent = trace.events.length;
    });
    trace.mark('stepped down');
    lab.connect();
    await lab.untilIdentical();
    await lab.overwrite('new', lab.random.bytes(2 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    expect(lab.mirror.setAside).toBeDefined();
  }
  let states = 0;
  const options = { name: 'old', clock: new VirtualClock(), random: new SeededRandom(1), cpIntervalMs: 0, cacheBytes: 1 << 20, poolBytes: 4 << 20 };
  for (const state of crashStates(trace, { mode, random: new SeededRandom(testSeed), fromEvent: firstEvent, samplesPerEvent: 3 })) {
    const where = `seed ${testSeed}, ${state.description}`;
    const set = await DeviceSet.open(state.devices());
    const found = await Volume.open(set, options).catch((fault: unknown) => fault);
    if (found instanceof Volume) {
      expect(state.marks, where).toEqual([]);
      expectBytes(await contentOf(found, 'late'), late);
      await found.close();
    } else {
      expect(found, where).toMatchObject({ code: 'volume-is-mirror' });
      await using mirror = await MirrorVolume.open(set, { name: 'old', cacheBytes: 1 << 20 });
      expect((await mirror.check()).problems, where).toEqual([]);
      await using view = await mirror.openView({ snapshot: 'before' });
      expectBytes(await contentOf(view, 'late'), late);
    }
    states++;
  }
  expect(states).toBeGreaterThan(20);
});

test.each(crashModes)('a mirror that is reset is empty, takes another volume, and finds blocks that it has (%s)', async (mode) => {
  const trace = new Trace();
  let firstEvent = 0;
  {
    await using lab = new MirrorLab({ primaryBytes: 8 << 20, wrapMirror: () => new TraceDevice(trace, { name: 'mirror', sizeBytes: 8 << 20 }) });
    await lab.start();
    await lab.put('file', lab.random.bytes(1 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    const { cp } = lab.primary.root;
    await lab.relationship.close();
    firstEvent = trace.events.length;
    await lab.mirror.reset();
    trace.mark('reset');
    expect(lab.mirror.committed).toBeUndefined();
    lab.bytesFromPrimary = 0;
    lab.connect();
    await lab.untilIdentical();
    expect(lab.mirror.committed!.cp).toBeGreaterThanOrEqual(cp);
    expect(lab.bytesFromPrimary).toBeLessThan(200_000);
  }
  for (const state of crashStates(trace, { mode, random: new SeededRandom(testSeed), fromEvent: firstEvent, samplesPerEvent: 3 })) {
    await using mirror = await MirrorVolume.open(await DeviceSet.open(state.devices()), { name: 'mirror', cacheBytes: 1 << 20 });
    if (mirror.committed !== undefined) expect((await mirror.check()).problems, `seed ${testSeed}, ${state.description}`).toEqual([]);
  }
});
