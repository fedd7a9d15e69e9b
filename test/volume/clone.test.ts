import { describe, expect, it } from 'vitest';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { type Cloneable, openClone, type RootViewAt, type Volume } from '../../src-main/volume/index.ts';
import { contentOf, expectBytes, MirrorLab, namesOf } from '../replication/mirror-lab.ts';

const mebibyte = 1 << 20;

async function startedLab(): Promise<MirrorLab> {
  const lab = new MirrorLab({ primaryBytes: 16 * mebibyte });
  await lab.start();
  await lab.put('kept', lab.random.bytes(300_000));
  await lab.put('changed', lab.random.bytes(200_000));
  await lab.primary.createSnapshot('monday');
  await lab.overwrite('changed', lab.random.bytes(200_000));
  await lab.put('new', lab.random.bytes(50_000));
  await lab.primary.createSnapshot('tuesday');
  await lab.put('last', lab.random.bytes(50_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  return lab;
}

function scratchOf(): MemoryDevice {
  return new MemoryDevice({ name: 'scratch', sizeBytes: 32 * mebibyte });
}

function cloneOf(lab: MirrorLab, of: Cloneable, at: RootViewAt = 'last', scratch = scratchOf()): Promise<Volume> {
  return openClone({ ...lab.volumeOptions, name: 'clone', of, at, scratch });
}

async function bytesOf(device: MemoryDevice): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.sizeBytes);
  await device.read(0, [bytes]);
  return bytes;
}

async function put(volume: Volume, name: string, content: Uint8Array): Promise<void> {
  const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
  await volume.change(changeBlocks.write(content.length, 4096), (files) => {
    files.write(ino, 0, content);
  });
}

async function remove(volume: Volume, name: string): Promise<void> {
  await volume.change(changeBlocks.remove, (files) => {
    files.unlink(top, name);
  });
}

async function expectWhole(volume: { check(): Promise<{ problems: unknown[] }> }): Promise<void> {
  expect((await volume.check()).problems).toEqual([]);
}

/** The primary writes so much that every place is used again that nobody keeps, and the mirror follows. */
async function churn(lab: MirrorLab, rounds = 12): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const name of ['kept', 'changed']) await lab.overwrite(name, lab.random.bytes(200_000));
    await lab.put(`churn${round}`, lab.random.bytes(1_500_000));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    await lab.remove(`churn${round}`);
  }
}

describe('a clone', () => {
  it('of a mirror can be written, and leaves every byte of the mirror as it was', async () => {
    const lab = await startedLab();
    const before = await bytesOf(lab.mirrorDevice);
    const clone = await cloneOf(lab, lab.mirror);
    expect(await namesOf(clone)).toEqual(['changed', 'kept', 'last', 'new']);
    const content = lab.random.bytes(400_000);
    await put(clone, 'mine', content);
    await remove(clone, 'kept');
    await clone.createSnapshot('own');
    await remove(clone, 'changed');
    await clone.sync();
    await clone.takeCp();
    expectBytes(await contentOf(clone, 'mine'), content);
    expect(await namesOf(clone)).toEqual(['last', 'mine', 'new']);
    await expectWhole(clone);
    await clone.close();
    expectBytes(await bytesOf(lab.mirrorDevice), before);
    await expectWhole(lab.mirror);
    await lab.close();
  });

  it('is a volume of its own: with other ids, under a higher epoch, without snapshots', async () => {
    const lab = await startedLab();
    await using clone = await cloneOf(lab, lab.mirror);
    expect(clone.id).not.toEqual(lab.mirror.id);
    expect(clone.setId).not.toEqual(lab.mirror.setId);
    expect(clone.root.epoch).toBe(lab.mirror.committed!.epoch + 1);
    expect(await clone.listSnapshots()).toEqual([]);
    expect(clone.bases).toEqual([]);
    await expect(clone.grow()).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('stays whole while the mirror is updated beside it, and the mirror stays whole beside the clone', async () => {
    const lab = await startedLab();
    const kept = await contentOf(lab.primary, 'kept');
    const clone = await cloneOf(lab, lab.mirror);
    const { cp } = lab.mirror.committed!;
    await lab.untilIdentical();
    await churn(lab);
    for (const name of ['monday', 'tuesday']) await lab.primary.deleteSnapshot(name);
    await churn(lab);
    expect(lab.mirror.neededCps).toContain(cp);
    expectBytes(await contentOf(clone, 'kept'), kept);
    const content = lab.random.bytes(1_000_000);
    for (let round = 0; round < 4; round++) {
      await put(clone, `mine${round}`, content);
      await clone.takeCp();
      await lab.put(`theirs${round}`, lab.random.bytes(500_000));
      await lab.primary.takeCp();
      await lab.untilIdentical();
      await expectWhole(clone);
      if (round < 3) await remove(clone, `mine${round}`);
    }
    expectBytes(await contentOf(clone, 'mine3'), content);
    await expectWhole(lab.mirror);
    await clone.close();
    expect(lab.mirror.neededCps).toEqual([]);
    await lab.close();
  });

  it('of a snapshot begins with the snapshot, which stays although the primary deletes it', async () => {
    const lab = await startedLab();
    await using view = await lab.mirror.openView({ snapshot: 'monday' });
    const changed = await contentOf(view, 'changed');
    const clone = await cloneOf(lab, lab.mirror, { snapshot: 'monday' });
    await view.close();
    for (const name of ['monday', 'tuesday']) await lab.primary.deleteSnapshot(name);
    await churn(lab);
    expect(await namesOf(clone)).toEqual(['changed', 'kept']);
    expectBytes(await contentOf(clone, 'changed'), changed);
    await put(clone, 'mine', lab.random.bytes(1_000_000));
    await clone.takeCp();
    await expectWhole(clone);
    await clone.close();
    await expectWhole(lab.mirror);
    await lab.close();
  });

  it('of a primary shows what it had, and goes on beside it', async () => {
    const lab = await startedLab();
    const basesBefore = lab.primary.bases.length;
    await lab.put('waiting', lab.random.bytes(1000));
    for (const at of ['last', { snapshot: 'monday' }] as const) {
      const names = at === 'last' ? ['changed', 'kept', 'last', 'new', 'waiting'] : ['changed', 'kept'];
      const clone = await cloneOf(lab, lab.primary, at);
      const kept = await contentOf(clone, 'kept');
      if (at !== 'last') await lab.primary.deleteSnapshot('monday');
      await churn(lab);
      expect(await namesOf(clone)).toEqual(names);
      expectBytes(await contentOf(clone, 'kept'), kept);
      await put(clone, 'mine', kept);
      await clone.takeCp();
      await expectWhole(clone);
      await clone.close();
    }
    for (let cp = 0; cp < 2; cp++) {
      await lab.primary.takeCp();
      await lab.untilIdentical();
    }
    expect(lab.primary.bases.length).toBeLessThanOrEqual(basesBefore + 1);
    await expectWhole(lab.primary);
    await lab.close();
  });

  it('keeps the CP that it was made of with all of its maps, and the snapshot that it shows', async () => {
    const lab = await startedLab();
    const [monday] = await lab.primary.listSnapshots();
    const { cp } = lab.mirror.committed!;
    const clone = await cloneOf(lab, lab.mirror, { snapshot: 'monday' });
    const other = await cloneOf(lab, lab.primary, { snapshot: 'monday' });
    const takenCp = lab.primary.root.cp;
    await lab.untilIdentical();
    for (const name of ['monday', 'tuesday']) await lab.primary.deleteSnapshot(name);
    await churn(lab, 3);
    expect(lab.mirror.neededCps).toEqual([monday!.cp, cp]);
    // A base is a CP kept with its maps.
    expect(lab.primary.bases).toEqual(expect.arrayContaining([cp, takenCp]));
    await clone.close();
    await other.close();
    await lab.settle();
    await lab.primary.takeCp();
    await lab.untilIdentical();
    expect(lab.primary.bases).not.toContain(cp);
    expect(lab.primary.bases).not.toContain(takenCp);
    await lab.close();
  });

  it('of a clone stands on both', async () => {
    const lab = await startedLab();
    const first = await cloneOf(lab, lab.mirror);
    const content = lab.random.bytes(100_000);
    await put(first, 'mine', content);
    const second = await cloneOf(lab, first);
    await remove(first, 'mine');
    await remove(second, 'kept');
    await first.takeCp();
    await second.takeCp();
    expectBytes(await contentOf(second, 'mine'), content);
    expect(await namesOf(first)).toEqual(['changed', 'kept', 'last', 'new']);
    await expectWhole(second);
    await second.close();
    await expectWhole(first);
    await first.close();
    await lab.close();
  });

  it('closes its scratch device, keeps nothing any more, and closes once only', async () => {
    const lab = await startedLab();
    const scratch = scratchOf();
    const clone = await cloneOf(lab, lab.mirror, 'last', scratch);
    await Promise.all([clone.close(), clone.close()]);
    await expect(scratch.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'device-closed' });
    expect(lab.mirror.neededCps).toEqual([]);
    await lab.close();
  });

  it('is refused for a snapshot that is not there, an empty mirror, or a scratch device that is too small, and then keeps nothing', async () => {
    const lab = await startedLab();
    await expect(cloneOf(lab, lab.mirror, { snapshot: 'sunday' })).rejects.toMatchObject({ code: 'snapshot-not-found' });
    await expect(cloneOf(lab, lab.primary, { snapshot: 'sunday' })).rejects.toMatchObject({ code: 'snapshot-not-found' });
    const small = new MemoryDevice({ name: 'small', sizeBytes: mebibyte });
    await expect(cloneOf(lab, lab.mirror, 'last', small)).rejects.toMatchObject({ code: 'device-too-small' });
    await small.read(0, [new Uint8Array(512)]);
    await churn(lab, 2);
    expect(lab.mirror.neededCps).toEqual([]);
    await lab.close();
    const empty = new MirrorLab({ primaryBytes: 8 * mebibyte });
    await empty.startMirror();
    await expect(cloneOf(empty, empty.mirror)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('gets a block that its ground has lost from where the ground gets it', async () => {
    const lab = await startedLab();
    const kept = await contentOf(lab.primary, 'kept');
    const clone = await cloneOf(lab, lab.mirror);
    const device = await bytesOf(lab.mirrorDevice);
    const at = Buffer.from(device).indexOf(kept.subarray(0, 4096));
    expect(at).toBeGreaterThan(0);
    await lab.mirrorDevice.write(at - (at % 4096), [new Uint8Array(4096)]);
    expectBytes(await contentOf(clone, 'kept'), kept);
    expect(lab.mirror.healer.counts.healed).toBe(1);
    await clone.close();
    await expectWhole(lab.mirror);
    await lab.close();
  });
});
