import { describe, expect, test } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { holdsMax, isAutomaticName } from '../../src-main/snapshots/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from './memory-volume.ts';

async function touch(volume: Volume, name: string): Promise<void> {
  await volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
}

async function namesOf(volume: Volume): Promise<string[]> {
  return (await volume.listSnapshots()).map(({ name }) => name);
}

function refused(code: Parameters<typeof isFault>[1]): (fault: unknown) => boolean {
  return (fault) => isFault(fault, code);
}

describe('automatic snapshots', () => {
  test('are made and given up in one CP, under names of their time and CP', async () => {
    await using volume = await new MemoryHome().create();
    await touch(volume, 'a');
    const { made: first } = await volume.snapshots.retain({ keep: true, drop: [] });
    await touch(volume, 'b');
    const before = volume.root.cp;
    const { made: second, dropped } = await volume.snapshots.retain({ keep: true, drop: [first!.name, 'no such snapshot'] });
    expect(dropped).toEqual([first!.name]);
    expect([second!.cp, volume.root.cp]).toEqual([before + 1, before + 1]);
    expect(await volume.listSnapshots()).toEqual([second]);
    expect(second!.name).toMatch(new RegExp(`^auto-\\d{4}-\\d\\d-\\d\\dT\\d\\d\\.\\d\\dZ-cp${second!.cp}$`));
    expect(isAutomaticName(second!.name)).toBe(true);
    expect((await volume.check()).problems).toEqual([]);
  });

  test('have news to keep when something has changed since the newest, also after a restart, and nothing takes no CP', async () => {
    const home = new MemoryHome();
    let volume = await home.create();
    await touch(volume, 'a');
    expect(await volume.snapshots.hasNews()).toBe(true);
    await volume.snapshots.retain({ keep: true, drop: [] });
    expect(await volume.snapshots.hasNews()).toBe(false);
    const { cp } = volume.root;
    expect(await volume.snapshots.retain({ keep: false, drop: ['no such snapshot'] })).toEqual({ dropped: [] });
    expect(volume.root.cp).toBe(cp);
    await volume.close();
    volume = await home.open();
    expect(await volume.snapshots.hasNews()).toBe(false);
    await volume.takeCp();
    expect(await volume.snapshots.hasNews()).toBe(false);
    await touch(volume, 'b');
    expect(await volume.snapshots.hasNews()).toBe(true);
    await volume.takeCp();
    expect(await volume.snapshots.hasNews()).toBe(true);
    await volume.close();
  });

  test('of each CP are made with every CP that changes files, and with no other', async () => {
    await using volume = await new MemoryHome().create();
    volume.snapshots.keepEachCp(true);
    const changed: number[] = [];
    for (let round = 0; round < 6; round++) {
      if (round % 2 === 0) {
        await touch(volume, `f${round}`);
        changed.push((await volume.takeCp()).cp);
      } else await volume.takeCp();
    }
    expect((await volume.listSnapshots()).map(({ cp }) => cp)).toEqual(changed);
    expect((await namesOf(volume)).every(isAutomaticName)).toBe(true);
    volume.snapshots.keepEachCp(false);
    await touch(volume, 'last');
    await volume.takeCp();
    expect(await namesOf(volume)).toHaveLength(changed.length);
    expect((await volume.check()).problems).toEqual([]);
  });

  test('and those made by hand share a CP when they are asked for at once', async () => {
    await using volume = await new MemoryHome().create();
    await touch(volume, 'a');
    const byHand = ['one', 'two', 'three', 'four', 'five'];
    await Promise.all([...byHand.map((name) => volume.createSnapshot(name)), volume.snapshots.retain({ keep: true, drop: [] })]);
    const found = await namesOf(volume);
    expect(found.filter((name) => !isAutomaticName(name)).sort()).toEqual([...byHand].sort());
    expect(found).toHaveLength(6);
    expect((await volume.check()).problems).toEqual([]);
  });

  test('that are held meanwhile stay, and their names cannot be given by hand', async () => {
    await using volume = await new MemoryHome().create();
    await touch(volume, 'a');
    const { made } = await volume.snapshots.retain({ keep: true, drop: [] });
    const [, { dropped }] = await Promise.all([
      volume.snapshots.hold(made!.name, { label: 'audit' }),
      volume.snapshots.retain({ keep: false, drop: [made!.name] }),
    ]);
    expect(dropped).toEqual([]);
    expect(await namesOf(volume)).toEqual([made!.name]);
    await expect(volume.createSnapshot('auto-2026-11-23T08.40Z-cp123')).rejects.toSatisfy(refused('name-invalid'));
  });

  test('go many at a time in one CP', async () => {
    await using volume = await new MemoryHome().create();
    volume.snapshots.keepEachCp(true);
    for (let round = 0; round < 300; round++) {
      await touch(volume, `f${round}`);
      await volume.takeCp();
    }
    const all = await namesOf(volume);
    const { cp } = volume.root;
    const { dropped } = await volume.snapshots.retain({ keep: false, drop: all.slice(0, -1) });
    expect([dropped.length, volume.root.cp]).toEqual([299, cp + 1]);
    expect(await namesOf(volume)).toEqual(all.slice(-1));
    expect((await volume.check()).problems).toEqual([]);
  });
});

test('a name asked for twice at once is given once', async () => {
  await using volume = await new MemoryHome().create();
  const results = await Promise.allSettled([volume.createSnapshot('same'), volume.createSnapshot('same')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await namesOf(volume)).toEqual(['same']);
  expect((await volume.check()).problems).toEqual([]);
});

describe('a hold', () => {
  test('has a label and a reason, which are kept, and a new one with its label takes its place', async () => {
    const home = new MemoryHome();
    let volume = await home.create();
    await volume.createSnapshot('monday');
    await volume.snapshots.hold('monday', { label: 'audit', reason: 'until March: asked for by Ms. Öz' });
    await volume.snapshots.hold('monday', { label: 'tape' });
    await volume.close();
    volume = await home.open();
    const holdsNow = async (): Promise<unknown> => (await volume.listSnapshots())[0]?.holds;
    expect(await holdsNow()).toEqual([{ label: 'audit', reason: 'until March: asked for by Ms. Öz' }, { label: 'tape' }]);
    await expect(volume.deleteSnapshot('monday')).rejects.toThrow('is held by "audit" (until March: asked for by Ms. Öz), "tape". Release');
    await volume.snapshots.hold('monday', { label: 'audit', reason: 'until June' });
    expect(await holdsNow()).toEqual([{ label: 'tape' }, { label: 'audit', reason: 'until June' }]);
    await volume.snapshots.release('monday', 'audit');
    await expect(volume.snapshots.release('monday', 'audit')).rejects.toSatisfy(refused('not-found'));
    await volume.snapshots.release('monday', 'tape');
    await volume.deleteSnapshot('monday');
    expect(await namesOf(volume)).toEqual([]);
    await volume.close();
  });

  test('beyond the most there can be is refused, also when all come at once, and so is one without room for its reason', async () => {
    await using volume = await new MemoryHome().create();
    await volume.createSnapshot('many');
    const asked = Array.from({ length: holdsMax + 4 }, (_, index) => volume.snapshots.hold('many', { label: `label${index}` }));
    const results = await Promise.allSettled(asked);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(holdsMax);
    await volume.createSnapshot('wordy');
    const reason = 'r'.repeat(200);
    const wordy = Array.from({ length: holdsMax }, (_, index) => volume.snapshots.hold('wordy', { label: `label${index}`, reason }));
    const faults = (await Promise.allSettled(wordy)).flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.every(refused('argument-invalid'))).toBe(true);
    for (const bad of ['', 'x'.repeat(201), 'two\nlines']) {
      await expect(volume.snapshots.hold('wordy', { label: 'bad', reason: bad })).rejects.toSatisfy(refused('argument-invalid'));
    }
    expect((await volume.check()).problems).toEqual([]);
  });

  test('asked for while the snapshot is being deleted finds it gone', async () => {
    await using volume = await new MemoryHome().create();
    await volume.createSnapshot('short');
    const deleted = volume.deleteSnapshot('short');
    await Promise.resolve();
    const results = await Promise.allSettled([deleted, volume.snapshots.hold('short', { label: 'late' })]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await namesOf(volume)).toEqual([]);
  });
});
