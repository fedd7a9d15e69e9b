import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from './memory-volume.ts';

const blockBytes = 4096;
const fileBlocks = 64;
const small = { sizeBytes: 21 << 18 };

async function create(volume: Volume, name: string): Promise<number> {
  return volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
}

async function write(volume: Volume, at: { ino: number; block: number }, bytes: Uint8Array): Promise<void> {
  await volume.change(changeBlocks.write(bytes.length, blockBytes), (files) => {
    files.write(at.ino, at.block * blockBytes, bytes);
  });
}

async function remove(volume: Volume, name: string): Promise<void> {
  await volume.change(changeBlocks.remove, (files) => files.unlink(top, name), { frees: true });
}

/** Does it again and again until there is no room for it, and resolves to the refusal. */
async function untilFull(act: (round: number) => Promise<unknown>): Promise<Error> {
  for (let round = 0; round < 20_000; round++) {
    try {
      await act(round);
    } catch (fault) {
      if (!isFault(fault, 'volume-full')) throw fault;
      return fault;
    }
  }
  throw new Error('a small volume has room without end');
}

const nameOf = (round: number): string => `${round} `.padEnd(100, 'long');

/** Ways to fill a volume with what is kept. */
const fillings: Record<string, (volume: Volume) => Promise<Error>> = {
  'snapshots of one unchanged state': (volume) => untilFull((round) => volume.createSnapshot(nameOf(round))),
  'snapshots that are asked for at once': (volume) =>
    untilFull((round) => Promise.all(Array.from({ length: 40 }, (_, index) => volume.createSnapshot(nameOf(40 * round + index))))),
  'snapshots of the schedule': (volume) => untilFull(() => volume.snapshots.retain({ keep: true, drop: [] })),
  'holds': (volume) =>
    untilFull(async (round) => {
      if (round % 5 === 0) await volume.createSnapshot(nameOf(round));
      await volume.snapshots.hold(nameOf(round - (round % 5)), { label: `${round}`, reason: 'because of a reason. '.repeat(2) });
    }),
  'snapshots of every CP, of single blocks written here and there': async (volume) => {
    volume.snapshots.keepEachCp(true);
    const { ino } = await volume.query((files) => files.lookup(top, 'file'));
    const fault = await untilFull(async (round) => {
      await write(volume, { ino, block: (round * 37) % fileBlocks }, new Uint8Array(blockBytes).fill(round));
      await volume.takeCp();
    });
    volume.snapshots.keepEachCp(false);
    return fault;
  },
};

/** Gives up these snapshots: some at once, and the others together. */
async function giveUp(volume: Volume, names: readonly string[]): Promise<void> {
  for (const { name, holds } of await volume.listSnapshots()) for (const { label } of holds) await volume.snapshots.release(name, label);
  await Promise.all(names.slice(0, 30).map((name) => volume.deleteSnapshot(name)));
  const { dropped } = await volume.snapshots.retain({ keep: false, drop: names });
  expect(dropped).toEqual(names.slice(30));
}

describe.each(Object.entries(fillings))('a volume full of %s', (_, fill) => {
  it('says so, goes on, also when it is opened again, and gives the space back', async () => {
    const home = new MemoryHome(small);
    const volume = await home.create();
    await write(volume, { ino: await create(volume, 'file'), block: 0 }, home.random.bytes(fileBlocks * blockBytes));
    await volume.createSnapshot('first');
    const { freeBlockCount } = volume.status();

    const fault = await fill(volume);
    expect(fault.message).toMatch(/^Volume test is full: .* Delete files or snapshots, or grow the volume/);
    const kept = await volume.listSnapshots();
    expect(kept.length).toBeGreaterThan(40);
    for (let round = 0; round < 5; round++) await volume.takeCp();
    await volume.deleteSnapshot('first');
    await volume.close();

    await using again = await home.open();
    expect((await again.check()).problems).toEqual([]);
    expect(await again.listSnapshots()).toEqual(kept.slice(1));
    await giveUp(again, kept.slice(1).map(({ name }) => name));
    for (let round = 0; round < 3; round++) await again.takeCp();
    expect(again.status().freeBlockCount).toBeGreaterThan(freeBlockCount - 30);
    expect((await again.check()).problems).toEqual([]);
    await again.createSnapshot('there is room again');
  });
});

describe('a volume whose users fill it while snapshots need all of it', () => {
  it('lets them remove files CP by CP until it refuses, and snapshots go even then', async () => {
    const home = new MemoryHome(small);
    await using volume = await home.create();
    const names: string[] = [];
    await untilFull(async (round) => {
      await write(volume, { ino: await create(volume, `file ${round}`), block: 0 }, home.random.bytes(8 * blockBytes));
      names.push(`file ${round}`);
    });
    volume.snapshots.keepEachCp(true);
    await volume.takeCp();
    let removed = 0;
    for (const name of names) {
      try {
        await remove(volume, name);
      } catch (fault) {
        if (!isFault(fault, 'volume-full')) throw fault;
        break;
      }
      removed++;
      await volume.takeCp();
    }
    expect(removed).toBeGreaterThan(0);
    volume.snapshots.keepEachCp(false);
    await volume.snapshots.retain({ keep: false, drop: (await volume.listSnapshots()).map(({ name }) => name) });
    for (let round = 0; round < 3; round++) await volume.takeCp();
    expect((await volume.check()).problems).toEqual([]);
    await write(volume, { ino: await create(volume, 'there is room again'), block: 0 }, home.random.bytes(8 * blockBytes));
  });

  it('takes apart a snapshot whose blocks lie scattered, a little with each CP', async () => {
    const home = new MemoryHome({ sizeBytes: 40 << 20, volume: { poolBytes: 4 << 20 } });
    await using volume = await home.create();
    const blocks = 3000;
    const inos = [await create(volume, 'one'), await create(volume, 'other')] as const;
    // Neighbours on the devices belong to two files, and to many states.
    for (let block = 0; block < blocks; block++) {
      for (const ino of inos) await write(volume, { ino, block }, new Uint8Array(blockBytes).fill(block));
      if (block % 10 === 0) await volume.createSnapshot(`s${block}`);
    }
    await volume.createSnapshot('last');
    await remove(volume, 'one');
    await volume.takeCp();
    await volume.createSnapshot('later');
    const filler = await create(volume, 'filler');
    await untilFull((round) => write(volume, { ino: filler, block: round }, home.random.bytes(blockBytes)));
    await remove(volume, 'other');
    await volume.takeCp();
    await volume.deleteSnapshot('later');
    await volume.deleteSnapshot('last');
    await volume.snapshots.retain({ keep: false, drop: (await volume.listSnapshots()).map(({ name }) => name) });
    const { freeBlockCount } = volume.status();
    for (let round = 0; round < 100; round++) await volume.takeCp();
    expect(volume.status().freeBlockCount).toBeGreaterThan(freeBlockCount);
    expect(volume.status().freeBlockCount).toBeGreaterThan(2 * blocks);
    expect((await volume.check()).problems).toEqual([]);
  });
});
