import { expect, test } from 'vitest';
import { MirrorVolume } from '../../src-main/volume/index.ts';
import { contentOf, expectBytes, MirrorLab, namesOf } from './mirror-lab.ts';

test('a reader that began on a CP reads it to its end while later ones arrive and the primary reuses its space', async () => {
  await using lab = new MirrorLab({ primaryBytes: 24 << 20 });
  await lab.start();
  const first = lab.random.bytes(4 << 20);
  await lab.put('file', first);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const view = await lab.mirror.openView('last');
  for (let round = 0; round < 12; round++) {
    await lab.overwrite('file', lab.random.bytes(4 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    lab.mirror.cache.clear();
    expectBytes(await contentOf(view, 'file'), first);
  }
  const kept = lab.primary.bases.includes(view.cp);
  expect(kept).toBe(true);
  await view.close();
  await lab.settle();
  await lab.overwrite('file', lab.random.bytes(4096));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(lab.primary.bases).not.toContain(view.cp);
  expect((await lab.primary.check()).problems).toEqual([]);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a view of an older CP can be opened while another one keeps it, and not afterwards', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const view = await lab.mirror.openView('last');
  await lab.put('new', lab.random.bytes(10));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const again = await lab.mirror.openView({ cp: view.cp });
  expect(await namesOf(again)).toEqual([]);
  await view.close();
  await again.close();
  await expect(lab.mirror.openView({ cp: view.cp })).rejects.toMatchObject({ code: 'snapshot-not-found' });
});

test('snapshots are listed and read on the mirror, those from before it existed as well', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.relationship.pause();
  const versions = new Map<string, Uint8Array>();
  const version = async (name: string): Promise<void> => {
    const content = lab.random.bytes(500_000);
    if (versions.size === 0) await lab.put('file', content);
    else await lab.overwrite('file', content);
    await lab.primary.createSnapshot(name);
    versions.set(name, content);
  };
  await version('one');
  await version('two');
  await lab.overwrite('file', lab.random.bytes(500_000));
  await lab.primary.takeCp();
  lab.relationship.resume();
  await lab.untilIdentical();
  await version('three');
  await lab.overwrite('file', lab.random.bytes(500_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(await lab.mirror.listSnapshots()).toEqual(await lab.primary.listSnapshots());
  for (const [snapshot, content] of versions) {
    await using view = await lab.mirror.openView({ snapshot });
    expectBytes(await contentOf(view, 'file'), content);
  }
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('a snapshot open on the mirror survives its deletion on the primary until the view is closed', async () => {
  await using lab = new MirrorLab({ primaryBytes: 24 << 20 });
  await lab.start();
  const content = lab.random.bytes(3 << 20);
  await lab.put('file', content);
  await lab.primary.createSnapshot('wanted');
  await lab.overwrite('file', lab.random.bytes(3 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const view = await lab.mirror.openView({ snapshot: 'wanted' });
  await lab.primary.deleteSnapshot('wanted');
  for (let round = 0; round < 10; round++) {
    await lab.overwrite('file', lab.random.bytes(3 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  lab.mirror.cache.clear();
  expectBytes(await contentOf(view, 'file'), content);
  await expect(lab.mirror.openView({ snapshot: 'wanted' })).rejects.toMatchObject({ code: 'snapshot-not-found' });
  const usedBefore = lab.primary.root.usedBlockCount;
  await view.close();
  await lab.settle();
  await lab.primary.takeCp();
  await lab.primary.takeCp();
  expect(lab.primary.root.usedBlockCount).toBeLessThan(usedBefore - 700);
  await lab.untilIdentical();
  expect((await lab.primary.check()).problems).toEqual([]);
});

test('an empty mirror says that it has nothing to show', async () => {
  const lab = new MirrorLab();
  await using mirror = await MirrorVolume.create(await lab.newSet([lab.mirrorDevice]), { name: 'empty' });
  await expect(mirror.openView('last')).rejects.toMatchObject({ code: 'not-found' });
  await expect(mirror.check()).rejects.toMatchObject({ code: 'not-found' });
  expect(await mirror.listSnapshots()).toEqual([]);
});
