import { describe, expect, it } from 'vitest';
import { rootPlaces } from '../../src-main/consistency/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { contentOf, expectBytes, MirrorLab, namesOf } from '../replication/mirror-lab.ts';

/** A primary and a mirror with a few files, some of them changed since the baseline, and a snapshot between. */
async function relatedPair(options: ConstructorParameters<typeof MirrorLab>[0] = {}): Promise<MirrorLab> {
  const lab = new MirrorLab({ primaryBytes: 16 << 20, ...options });
  await lab.start();
  await lab.put('kept', lab.random.bytes(300_000));
  await lab.put('changed', lab.random.bytes(200_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.primary.createSnapshot('monday');
  await lab.overwrite('changed', lab.random.bytes(200_000));
  await lab.put('new', lab.random.bytes(50_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  return lab;
}

/** Ends the relationship and gives the mirror's devices as a set to be promoted. */
async function leftByMirror(lab: MirrorLab): Promise<DeviceSet> {
  await lab.relationship.close();
  await lab.service.close();
  await lab.mirror.close();
  lab.mirrorDevice = lab.mirrorDevice.reopen();
  return DeviceSet.open([lab.mirrorDevice]);
}

describe('promoting a mirror', () => {
  it('goes on from its last CP under a higher epoch, as the primary of its own devices', async () => {
    const lab = await relatedPair();
    const { root } = lab.primary;
    const kept = await contentOf(lab.primary, 'kept');
    const set = await leftByMirror(lab);
    await using volume = await Volume.promote(set, lab.volumeOptions, { epoch: root.epoch + 1 });
    expect(volume.root).toMatchObject({ epoch: root.epoch + 1, setId: set.setId, volumeId: root.volumeId });
    expect(volume.root.cp).toBeGreaterThan(root.cp);
    expect(volume.cpHistory.map(({ cause }) => cause)).toEqual(['promote']);
    expect(await namesOf(volume)).toEqual(['changed', 'kept', 'new']);
    expectBytes(await contentOf(volume, 'kept'), kept);
    expect((await volume.listSnapshots()).map(({ name }) => name)).toEqual(['monday']);
    expect((await volume.check()).problems).toEqual([]);
    await lab.primary.close();
  });

  it('keeps the CP that the old primary has as well, and no root whose blocks never travelled', async () => {
    const lab = await relatedPair();
    const mirrored = lab.mirror.committed!;
    await using volume = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2 });
    expect(volume.bases).toEqual([mirrored.cp]);
    await using view = await volume.openView({ cp: mirrored.cp });
    expect(view.cp).toBe(mirrored.cp);
    await lab.primary.close();
  });

  it('takes changes, snapshots and syncs, and opens as a primary from then on, not as a mirror', async () => {
    const lab = await relatedPair();
    const old = lab.primary;
    lab.primary = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2 });
    await old.close();
    await lab.put('after', lab.random.bytes(100_000));
    await lab.primary.createSnapshot('tuesday');
    await lab.remove('kept');
    await lab.primary.deleteSnapshot('monday');
    await lab.put('synced', lab.random.bytes(10_000));
    await lab.primary.sync();
    const synced = await contentOf(lab.primary, 'synced');

    // A crash: the device is opened again as it is.
    lab.mirrorDevice = lab.mirrorDevice.reopen();
    await expect(MirrorVolume.open(await DeviceSet.open([lab.mirrorDevice]), { name: 'mirror' })).rejects.toMatchObject({ code: 'volume-is-primary' });
    lab.mirrorDevice = lab.mirrorDevice.reopen();
    await using again = await Volume.open(await DeviceSet.open([lab.mirrorDevice]), lab.volumeOptions);
    expect(again.root.epoch).toBe(2);
    expect(again.recovery!.replayedRequests).toBeGreaterThan(0);
    expect(await namesOf(again)).toEqual(['after', 'changed', 'new', 'synced']);
    expectBytes(await contentOf(again, 'synced'), synced);
    expect((await again.check()).problems).toEqual([]);
  });

  it('takes nothing from a journal that an earlier life of the devices left', async () => {
    const lab = await relatedPair();
    const old = lab.primary;
    const set = await leftByMirror(lab);
    // The journal as the primary would have left it: its key and place are those in the mirror's root.
    await lab.put('unmirrored', lab.random.bytes(20_000));
    await old.sync();
    const primarySet = await DeviceSet.open([lab.primaryDevice.reopen()], { readOnly: true });
    const journal = new Uint8Array(set.journal.sizeBytes);
    await primarySet.journal.read(0, [journal]);
    await set.journal.write(0, [journal]);
    await Volume.promote(set, lab.volumeOptions, { epoch: 2 });
    await using again = await Volume.open(await DeviceSet.open([lab.mirrorDevice.reopen()]), lab.volumeOptions);
    expect(again.recovery!.replayedRequests).toBe(0);
    expect(await namesOf(again)).toEqual(['changed', 'kept', 'new']);
    await old.close();
  });

  it('brings blocks back that had to make way for a root which was being received', async () => {
    const lab = await relatedPair();
    const contents = await Promise.all(['changed', 'kept', 'new'].map((name) => contentOf(lab.primary, name)));
    await lab.relationship.close();
    await lab.service.close();
    await lab.mirror.beginComparison();
    // Some are moved twice, because what is received comes to where they went.
    for (let vbn = 0; vbn < 400; vbn += 50) await lab.mirror.writeBlocks(vbn, [lab.random.bytes(50 * 4096)]);
    for (let vbn = 3000; vbn < lab.mirror.committed!.blockCount - 100; vbn += 50) await lab.mirror.writeBlocks(vbn, [lab.random.bytes(50 * 4096)]);
    await lab.mirror.flush();
    const set = await leftByMirror(lab);
    await using volume = await Volume.promote(set, lab.volumeOptions, { epoch: 2 });
    expect((await volume.check()).problems).toEqual([]);
    for (const [index, name] of ['changed', 'kept', 'new'].entries()) expectBytes(await contentOf(volume, name), contents[index]!);
    await lab.primary.close();
  });

  it('goes on with the size that the volume had, and grows when told to', async () => {
    const lab = await relatedPair({ mirrorBytes: 32 << 20 });
    const { blockCount } = lab.primary.root;
    await lab.primary.close();
    const set = await leftByMirror(lab);
    await using volume = await Volume.promote(set, lab.volumeOptions, { epoch: 2 });
    expect(set.blockCount).toBeGreaterThan(blockCount);
    expect(volume.root.blockCount).toBe(blockCount);
    await volume.grow();
    expect(volume.root.blockCount).toBe(set.blockCount);
    expect((await volume.check()).problems).toEqual([]);
  });

  it('refuses to promote twice, and a mirror that has no CP yet', async () => {
    const lab = await relatedPair();
    await lab.primary.close();
    await (await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2 })).close();
    const again = await DeviceSet.open([lab.mirrorDevice.reopen()]);
    await expect(Volume.promote(again, lab.volumeOptions, { epoch: 3 })).rejects.toMatchObject({ code: 'volume-is-primary' });
    const fresh = new MirrorLab({ primaryBytes: 8 << 20 });
    const mirror = await fresh.newSet([fresh.mirrorDevice], new Uint8Array(16));
    await expect(Volume.promote(mirror, fresh.volumeOptions, { epoch: 2 })).rejects.toMatchObject({ code: 'not-a-volume' });
  });

  it('a promotion under an epoch that is not higher is a fault of the program', async () => {
    const lab = await relatedPair();
    await lab.primary.close();
    const set = await leftByMirror(lab);
    await expect(Volume.promote(set, lab.volumeOptions, { epoch: 1 })).rejects.toThrow('raises the epoch');
  });
});

describe('promoting a mirror at a snapshot', () => {
  it('shows the snapshot, by its name or its CP, and nothing newer', async () => {
    for (const by of ['name', 'cp'] as const) {
      const lab = new MirrorLab({ primaryBytes: 16 << 20 });
      await lab.start();
      const content = lab.random.bytes(200_000);
      await lab.put('changed', content);
      await lab.put('removed', content);
      const monday = await lab.primary.createSnapshot('monday');
      await lab.overwrite('changed', lab.random.bytes(200_000));
      await lab.remove('removed');
      await lab.put('new', content);
      await lab.primary.createSnapshot('tuesday');
      await lab.primary.snapshots.hold('tuesday', { label: 'audit' });
      await lab.untilIdentical();
      await lab.primary.close();
      const at = by === 'name' ? { snapshot: 'monday' } : { cp: monday.cp };
      await using volume = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2, at });
      expect(await namesOf(volume)).toEqual(['changed', 'removed']);
      expectBytes(await contentOf(volume, 'changed'), content);
      expectBytes(await contentOf(volume, 'removed'), content);
      expect((await volume.listSnapshots()).map(({ name }) => name)).toEqual(['monday']);
      expect((await volume.check()).problems).toEqual([]);
    }
  });

  it('at the snapshot of the last CP is a promotion at the last CP', async () => {
    const lab = await relatedPair();
    const { cp } = await lab.primary.createSnapshot('today');
    await lab.untilIdentical();
    await lab.primary.close();
    await using volume = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2, at: { snapshot: 'today' } });
    expect(volume.bases).toEqual([cp]);
    expect((await volume.listSnapshots()).map(({ name }) => name)).toEqual(['monday', 'today']);
    expect((await volume.check()).problems).toEqual([]);
  });

  it('that is not there, or a CP that has no name, is refused, and the mirror stays what it is', async () => {
    const lab = await relatedPair();
    const [monday] = await lab.primary.listSnapshots();
    const { root } = lab.primary;
    await lab.primary.close();
    const set = await leftByMirror(lab);
    for (const at of [{ snapshot: 'sunday' }, { cp: monday!.cp - 1 }, { cp: root.cp + 1 }]) {
      await expect(Volume.promote(set, lab.volumeOptions, { epoch: 2, at })).rejects.toMatchObject({ code: 'snapshot-not-found' });
    }
    await using mirror = await MirrorVolume.open(await DeviceSet.open([lab.mirrorDevice.reopen()]), { name: 'mirror' });
    expect(mirror.committed?.cp).toBe(root.cp);
  });

  it('frees files that had lost their last name by then, and keeps those that lost it later', async () => {
    const lab = new MirrorLab({ primaryBytes: 16 << 20 });
    await lab.start();
    const content = lab.random.bytes(100_000);
    for (const name of ['nameless', 'named']) await lab.put(name, content);
    const openAndRemove = async (name: string): Promise<number> => {
      const ino = await lab.primary.query((files) => files.lookup(top, name).ino);
      await lab.primary.query((files) => {
        files.open(ino);
      });
      await lab.remove(name);
      return ino;
    };
    const nameless = await openAndRemove('nameless');
    await lab.primary.createSnapshot('monday');
    await lab.primary.change(changeBlocks.close, (files) => {
      files.close(nameless);
    });
    const named = await openAndRemove('named');
    await lab.primary.takeCp();
    await lab.untilIdentical();
    await using volume = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2, at: { snapshot: 'monday' } });
    expect(await volume.query((files) => files.orphanCount)).toBe(0);
    await expect(volume.query((files) => files.stat(nameless))).rejects.toMatchObject({ code: 'not-found' });
    expect(await volume.query((files) => files.stat(named).linkCount)).toBe(1);
    expectBytes(await contentOf(volume, 'named'), content);
    expect((await volume.check()).problems).toEqual([]);
    await lab.primary.close();
  });

  it('gives a number that was in use since to no other file', async () => {
    const lab = new MirrorLab({ primaryBytes: 16 << 20 });
    await lab.start();
    for (const name of ['a', 'b']) await lab.put(name, lab.random.bytes(1000));
    await lab.remove('a');
    await lab.primary.createSnapshot('monday');
    await lab.put('later', lab.random.bytes(1000));
    await lab.put('latest', lab.random.bytes(1000));
    const { nextInode } = (await lab.primary.takeCp(), lab.primary.root);
    await lab.untilIdentical();
    const old = lab.primary;
    lab.primary = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2, at: { snapshot: 'monday' } });
    await lab.put('after', lab.random.bytes(1000));
    expect(await lab.primary.query((files) => files.lookup(top, 'after').ino)).toBe(nextInode);
    await lab.primary.close();
    await old.close();
  });

  it('takes a volume back that had been filled since, and gives the space back', async () => {
    const lab = new MirrorLab({ primaryBytes: 12 << 20 });
    await lab.start();
    const content = lab.random.bytes(2 << 20);
    await lab.put('document', content);
    await lab.primary.createSnapshot('monday');
    const fill = async (): Promise<never> => {
      for (let number = 0; ; number++) await lab.put(`encrypted${number}`, lab.random.bytes(300_000));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'volume-full' });
    await lab.primary.takeCp();
    await lab.untilIdentical();
    const { usedBlockCount } = lab.primary.root;
    await using volume = await Volume.promote(await leftByMirror(lab), lab.volumeOptions, { epoch: 2, at: { snapshot: 'monday' } });
    for (let cp = 0; cp < 2; cp++) await volume.takeCp();
    expect(volume.root.usedBlockCount).toBeLessThan(usedBlockCount / 2);
    expectBytes(await contentOf(volume, 'document'), content);
    expect((await volume.check()).problems).toEqual([]);
    await lab.primary.close();
  });
});

describe('numbers of CPs', () => {
  it('the next CP has a number above the one that is passed over, and never the place of the last root', async () => {
    const lab = new MirrorLab({ primaryBytes: 8 << 20 });
    await using volume = await Volume.create(await lab.newSet([lab.primaryDevice]), lab.volumeOptions);
    volume.skipCpsTo(41);
    expect((await volume.takeCp()).cp).toBe(42);
    volume.skipCpsTo(7);
    expect((await volume.takeCp()).cp).toBe(43);
    volume.skipCpsTo(43 + rootPlaces - 1);
    expect((await volume.takeCp()).cp).toBe(43 + rootPlaces + 1);
    expect((await volume.check()).problems).toEqual([]);
  });
});
