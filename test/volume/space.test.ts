import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from './memory-volume.ts';

const MiB = 1 << 20;
const blocksPerMiB = MiB / 4096;
const mirror = 'mirror';

async function create(volume: Volume, name: string): Promise<number> {
  return volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
}

async function write(volume: Volume, ino: number, content: Uint8Array): Promise<void> {
  for (let offset = 0; offset < content.length; offset += MiB) {
    const part = content.subarray(offset, offset + MiB);
    await volume.change(changeBlocks.write(part.length, 4096), (files) => {
      files.write(ino, offset, part);
    });
  }
}

/** Takes a CP whose root is kept for the mirror, which then has it. */
async function takeBase(volume: Volume): Promise<number> {
  const follower = { begin: () => ({ keep: true }), end: () => undefined };
  volume.follow(follower);
  const { cp } = await volume.takeCp();
  volume.unfollow(follower);
  volume.setMirrorNeeds(mirror, { committedCp: cp, neededCps: [], inFlightCps: [] });
  return cp;
}

describe('the space report of a volume', () => {
  it('says what is live, what each snapshot alone keeps, and what is held for whom', async () => {
    const home = new MemoryHome();
    await using volume = await home.create();
    volume.setMirrorNeeds(mirror, { committedCp: 0, neededCps: [], inFlightCps: [] });
    const ino = await create(volume, 'file');
    await write(volume, ino, home.random.bytes(4 * MiB));
    const { cp: firstCp } = await volume.createSnapshot('first');
    await write(volume, ino, home.random.bytes(MiB));
    const { cp: secondCp } = await volume.createSnapshot('second');
    await volume.snapshots.hold('second', { label: 'audit' });
    await write(volume, ino, home.random.bytes(2 * MiB));
    const baseCp = await takeBase(volume);
    await write(volume, ino, home.random.bytes(3 * MiB));
    await volume.takeCp();

    const report = await volume.space.report();
    const near = (blocks: number): { min: number; max: number } => ({ min: blocks, max: blocks + 40 });
    const expectNear = (found: number, { min, max }: { min: number; max: number }): void => {
      expect(found).toBeGreaterThanOrEqual(min);
      expect(found).toBeLessThanOrEqual(max);
    };
    expect(report.usedBlocks).toBe(volume.status().usedBlockCount);
    expect(report.liveBlocks + report.keptBlocks).toBe(report.usedBlocks);
    expect(report.freeBlocks).toBe(volume.status().freeBlockCount);
    expectNear(report.liveBlocks, near(4 * blocksPerMiB));
    // 1 MiB that only the first has, 1 MiB that only the second has, 1 MiB of both, 2 MiB of the base, 1 MiB of all.
    expect(report.snapshots.map(({ cp, names, holds }) => ({ cp, names, holds }))).toEqual([
      { cp: firstCp, names: ['first'], holds: [] },
      { cp: secondCp, names: ['second'], holds: [{ label: 'audit' }] },
    ]);
    expectNear(report.snapshots[0]!.uniqueBlocks, near(blocksPerMiB));
    expectNear(report.snapshots[1]!.uniqueBlocks, near(blocksPerMiB));
    expectNear(await volume.space.freedBy([firstCp, secondCp]), near(3 * blocksPerMiB));
    expect(report.mirrors).toEqual([{ relationship: mirror, ...volume.space.heldFor(mirror) }]);
    expect(report.mirrors[0]!.sinceCp).toBe(baseCp);
    expectNear(report.mirrors[0]!.blocks, near(2 * blocksPerMiB));
    expect(report.views).toEqual({ blocks: 0, sinceCp: 0 });
  });

  it('lists many snapshots in pages, and is the same after the volume was opened again', async () => {
    const home = new MemoryHome();
    const volume = await home.create();
    const ino = await create(volume, 'file');
    for (let round = 0; round < 7; round++) {
      await write(volume, ino, home.random.bytes(50_000));
      await volume.createSnapshot(`s${round}`);
    }
    const whole = await volume.space.report();
    expect(whole.snapshots.flatMap(({ names }) => names)).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6']);
    expect(whole.more).toBe(false);
    const first = await volume.space.report({ limit: 4 });
    expect(first.more).toBe(true);
    const second = await volume.space.report({ limit: 4, after: first.snapshots.at(-1)!.cp });
    expect([...first.snapshots, ...second.snapshots]).toEqual(whole.snapshots);
    await volume.close();
    await using again = await home.open();
    expect(await again.space.report()).toEqual({ ...whole, cp: again.root.cp });
  });

  it('shows what a reader of an old state keeps', async () => {
    const home = new MemoryHome();
    await using volume = await home.create();
    const ino = await create(volume, 'file');
    await write(volume, ino, home.random.bytes(MiB));
    const { cp } = await volume.takeCp();
    const view = await volume.openView('last');
    await write(volume, ino, home.random.bytes(MiB));
    await volume.takeCp();
    const { views } = await volume.space.report();
    expect(views.sinceCp).toBe(cp);
    expect(views.blocks).toBeGreaterThanOrEqual(blocksPerMiB);
    await view.close();
    await volume.takeCp();
    expect((await volume.space.report()).views).toEqual({ blocks: 0, sinceCp: 0 });
  });
});

describe('a writer that finds no room', () => {
  it('gets it from what is kept for a mirror, when that can be let go', async () => {
    const home = new MemoryHome({ sizeBytes: 24 << 20, volume: { poolBytes: 4 << 20 } });
    await using volume = await home.create();
    const ino = await create(volume, 'file');
    await write(volume, ino, home.random.bytes(8 * MiB));
    await takeBase(volume);
    let asked = 0;
    volume.space.setRoomMaker(() => {
      asked++;
      volume.setMirrorNeeds(mirror, { committedCp: 0, neededCps: [], inFlightCps: [] });
      return Promise.resolve(asked === 1);
    });
    await write(volume, ino, home.random.bytes(8 * MiB));
    // Eight live and eight kept leave no room for six more, nor for the changes that wait beside them.
    await write(volume, await create(volume, 'other'), home.random.bytes(6 * MiB));
    expect(asked).toBe(1);
    await volume.takeCp();
    await volume.takeCp();
    expect(volume.space.heldFor(mirror)).toEqual({ blocks: 0, sinceCp: 0 });
    expect((await volume.check()).problems).toEqual([]);
  });

  it('is refused when there is nothing to let go', async () => {
    const home = new MemoryHome({ sizeBytes: 24 << 20, volume: { poolBytes: 4 << 20 } });
    await using volume = await home.create();
    const ino = await create(volume, 'file');
    await write(volume, ino, home.random.bytes(8 * MiB));
    await volume.createSnapshot('old');
    await write(volume, ino, home.random.bytes(8 * MiB));
    const other = await create(volume, 'other');
    await expect(write(volume, other, home.random.bytes(6 * MiB))).rejects.toSatisfy((fault) => isFault(fault, 'volume-full'));
    await volume.deleteSnapshot('old');
    await write(volume, other, home.random.bytes(6 * MiB));
  });
});
