import { expect, it } from 'vitest';
import { assert } from '../../src-main/base/index.ts';
import { exploreDeleted, exploreSearch, exploreVersions } from '../../src-main/explore/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { CountingDevice } from '../device/counting-device.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { allDifferences, allSteps, differenceLine, Hand } from './explore-lab.ts';

interface Costs {
  readonly usedBlocks: number;
  /** Blocks read for each kind of question. */
  readonly read: Readonly<Record<'differences' | 'search' | 'deleted' | 'versions', number>>;
}

/** A volume of so many folders of a hundred files, in which always the same is changed; and what it costs to find that. */
async function costsOf(folderCount: number): Promise<Costs> {
  const home = new MemoryHome();
  home.devices = [new CountingDevice({ sizeBytes: 512 << 20 })];
  await using volume = await home.create();
  const hand = new Hand(volume);
  for (let folder = 0; folder < folderCount; folder++) {
    await hand.folder(`/folder ${folder}`);
    const ino = await hand.ino(`/folder ${folder}`);
    for (let file = 0; file < 100; file++) {
      await volume.change(changeBlocks.create, (files) => files.createFile(ino, `file ${file}`, { mode: 0o644, uid: 0, gid: 0 }));
    }
  }
  await volume.createSnapshot('one');
  await hand.write('/folder 1/file 7', 'changed');
  await hand.write('/folder 3/file 50', 'changed '.repeat(10_000));
  await hand.move('/folder 5/file 1', '/folder 6/moved file 1');
  await hand.remove('/folder 7/file 9');
  await hand.folder('/folder 8/new');
  await hand.file('/folder 8/new/file');
  await volume.createSnapshot('two');

  const usedBlocks = volume.status().usedBlockCount;
  await volume.close();
  /** Each question is asked of a volume that was just opened, and has nothing in memory. */
  const counted = async (ask: (source: Volume) => Promise<unknown>): Promise<number> => {
    await using opened = await home.open();
    const [device] = home.devices;
    assert(device instanceof CountingDevice, 'the home was made of counting devices');
    device.readBytes = 0;
    await ask(opened);
    return device.readBytes / 4096;
  };
  const [older, newer] = [{ snapshot: 'one' }, { snapshot: 'two' }];
  const lines: string[] = [];
  const read = {
    differences: await counted(async (source) => lines.push(...(await allDifferences(source, { older, newer })).map(differenceLine))),
    // What the newer state has is looked through whole; here the older one matters.
    search: await counted((source) => allSteps((after) => exploreSearch(source, { at: newer, path: '/folder 7', text: 'file 9', isOverAll: true, after, limit: 500 }))),
    deleted: await counted((source) => allSteps((after) => exploreDeleted(source, { at: newer, path: '/folder 7', after, limit: 500 }))),
    versions: await counted((source) => exploreVersions(source, { path: '/folder 1/file 7', limit: 500 })),
  };
  expect(lines.sort()).toEqual([
    'added /folder 8/new',
    'added /folder 8/new/file',
    'changed /folder 1/file 7',
    'changed /folder 3/file 50',
    'removed /folder 7/file 9',
    'renamed /folder 5/file 1 to /folder 6/moved file 1',
  ]);
  return { usedBlocks, read };
}

it('looking through states costs what has changed, and not what the volume holds', { timeout: 120_000 }, async () => {
  const small = await costsOf(20);
  const large = await costsOf(400);
  expect(large.usedBlocks).toBeGreaterThan(10 * small.usedBlocks);
  for (const [what, blocks] of Object.entries(large.read)) {
    // Trees are higher in a large volume, and its root folder has more blocks.
    expect(blocks, what).toBeLessThan(2 * small.read[what as keyof Costs['read']]);
    expect(blocks, what).toBeLessThan(large.usedBlocks / 10);
  }
});
