import { expect, test } from 'vitest';
import { isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from './memory-volume.ts';

const fault = new MirrorpointError('volume-read-only', 'A switch-over runs.');

const make = (volume: Volume, name: string): Promise<number> =>
  volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (isFault(thrown) ? thrown.code : 'uncoded'),
  );

test('a volume that refuses changes goes on reading and taking CPs, and takes changes again when that is lifted', async () => {
  await using volume = await new MemoryHome().create();
  await make(volume, 'before');
  volume.restrict({ what: 'changes', fault });
  expect(await code(make(volume, 'during'))).toBe('volume-read-only');
  expect(await code(volume.createSnapshot('during'))).toBe('volume-read-only');
  await volume.takeCp('switch-over');
  expect(await volume.query((files) => files.readDirectory(top, undefined, 10).map((entry) => entry.name))).toEqual(['before']);
  volume.restrict(undefined);
  await make(volume, 'after');
  expect((await volume.listSnapshots()).length).toBe(0);
});

test('no change that had not taken effect before does so after', async () => {
  await using volume = await new MemoryHome().create();
  const changes = Array.from({ length: 20 }, (_, index) => code(make(volume, `file ${index}`)));
  volume.restrict({ what: 'changes', fault });
  const refused = (await Promise.all(changes)).filter((outcome) => outcome === 'volume-read-only').length;
  const names = await volume.query((files) => files.readDirectory(top, undefined, 100).length);
  expect(names + refused).toBe(20);
});

test('a volume that refuses everything keeps its last CP, also when it is closed', async () => {
  const home = new MemoryHome();
  const volume = await home.create();
  await make(volume, 'before');
  await volume.takeCp('switch-over');
  const { cp } = volume.root;
  volume.restrict({ what: 'everything', fault });
  expect(await code(volume.takeCp())).toBe('volume-read-only');
  await volume.close();
  await using again = await home.open();
  expect(again.root.cp).toBe(cp);
});
