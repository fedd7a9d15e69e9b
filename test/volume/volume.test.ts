import { expect, test } from 'vitest';
import { changeBlocks, type FileReader, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { type RootView, Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from './memory-volume.ts';

const plain = { mode: 0o644, uid: 0, gid: 0 };

async function put(volume: Volume, name: string, content: Uint8Array): Promise<number> {
  const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, name, plain));
  for (let offset = 0; offset < content.length; offset += 1 << 20) {
    const part = content.subarray(offset, offset + (1 << 20));
    await volume.change(changeBlocks.write(part.length, 4096), (files) => {
      files.write(ino, offset, part);
    });
  }
  return ino;
}

async function get(volume: Volume | RootView, name: string): Promise<Uint8Array> {
  const find = (files: FileReader): { ino: number; size: number } => {
    const { ino } = files.lookup(top, name);
    return { ino, size: files.stat(ino).sizeBytes };
  };
  const { ino, size } = await volume.query(find);
  const bytes = new Uint8Array(size);
  await volume.readInto(ino, 0, bytes);
  return bytes;
}

test('a volume comes back as it was closed', async () => {
  const home = new MemoryHome();
  const volume = await home.create();
  const small = home.random.bytes(100);
  const large = home.random.bytes(3 << 20);
  await put(volume, 'small', small);
  await put(volume, 'large', large);
  expect(await get(volume, 'large')).toEqual(large);
  await volume.close();

  await using again = await home.open();
  expect(again.recovery).toEqual({ cp: 2, replayedRequests: 0, damagedRootCopies: 0 });
  expect(await get(again, 'small')).toEqual(small);
  expect(await get(again, 'large')).toEqual(large);
  expect((await again.check()).problems).toEqual([]);
});

test('what was synced survives without a CP, and is replayed once', async () => {
  const home = new MemoryHome();
  const volume = await home.create();
  const content = home.random.bytes(200_000);
  await put(volume, 'synced', content);
  await volume.sync();
  expect(volume.root.cp).toBe(1);

  await using again = await home.open();
  expect(again.recovery?.replayedRequests).toBeGreaterThan(0);
  expect(await get(again, 'synced')).toEqual(content);
  expect((await again.check()).problems).toEqual([]);
});

test('a journal of a server with more memory is replayed by one with less', async () => {
  const home = new MemoryHome({ volume: { poolBytes: 32 << 20 } });
  const volume = await home.create();
  const ino = await put(volume, 'scattered', new Uint8Array(1));
  for (let block = 0; block < 3000; block++) {
    await volume.change(3, (files) => {
      files.write(ino, block * 8192, new Uint8Array([block]));
    });
  }
  await volume.sync();

  const smaller = { ...home.volumeOptions, poolBytes: 4 << 20 };
  await using again = await Volume.open(await DeviceSet.open(home.devices.map((device) => device.reopen())), smaller);
  expect(again.recovery?.replayedRequests).toBeGreaterThanOrEqual(3000);
  expect((await again.check()).problems).toEqual([]);
  await put(again, 'and goes on', home.random.bytes(1 << 20));
});

test('a snapshot stays as it was while the volume changes, and gives its space back when it is deleted', async () => {
  const home = new MemoryHome();
  await using volume = await home.create();
  const first = home.random.bytes(1 << 20);
  await put(volume, 'file', first);
  await volume.createSnapshot('before');
  const usedBefore = volume.status().usedBlockCount;
  const ino = await volume.query((files) => files.lookup(top, 'file').ino);
  const second = home.random.bytes(1 << 20);
  await volume.change(changeBlocks.write(second.length, 4096), (files) => {
    files.write(ino, 0, second);
  });
  await volume.takeCp();
  expect(await get(volume, 'file')).toEqual(second);
  {
    await using view = await volume.openView({ snapshot: 'before' });
    expect(await get(view, 'file')).toEqual(first);
  }
  expect((await volume.check()).problems).toEqual([]);
  expect(volume.status().usedBlockCount).toBeGreaterThan(usedBefore + 250);
  await volume.deleteSnapshot('before');
  await volume.takeCp();
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
  expect(volume.status().usedBlockCount).toBeLessThan(usedBefore + 20);
});

test('a view of the last CP stays as it was through later CPs', async () => {
  const home = new MemoryHome();
  await using volume = await home.create();
  const first = home.random.bytes(500_000);
  const ino = await put(volume, 'file', first);
  await volume.takeCp();
  const view = await volume.openView('last');
  for (let round = 0; round < 10; round++) {
    await volume.change(changeBlocks.write(500_000, 4096), (files) => {
      files.write(ino, 0, home.random.bytes(500_000));
    });
    await volume.takeCp();
    expect(await get(view, 'file')).toEqual(first);
  }
  await view.close();
  await volume.takeCp();
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});

test('many random changes over many CPs leave a volume without a fault or a lost block', async () => {
  const home = new MemoryHome({ seed: 7 });
  const { random } = home;
  let volume = await home.create();
  const model = new Map<string, Uint8Array>();
  for (let round = 0; round < 60; round++) {
    for (let step = 0; step < 20; step++) {
      const name = `f${random.below(40)}`;
      if (model.has(name) && random.chance(0.3)) {
        await volume.change(changeBlocks.remove, (files) => {
          files.unlink(top, name);
        });
        model.delete(name);
      } else if (model.has(name)) {
        const old = model.get(name)!;
        const offset = random.below(old.length + 1);
        const bytes = random.bytes(1 + random.below(20_000));
        const next = new Uint8Array(Math.max(old.length, offset + bytes.length));
        next.set(old);
        next.set(bytes, offset);
        const ino = await volume.query((files) => files.lookup(top, name).ino);
        await volume.change(changeBlocks.write(bytes.length, 4096), (files) => {
          files.write(ino, offset, bytes);
        });
        model.set(name, next);
      } else {
        const bytes = random.bytes(random.below(100_000));
        await put(volume, name, bytes);
        model.set(name, bytes);
      }
    }
    const choice = random.below(6);
    if (choice === 0) await volume.createSnapshot(`s${round}`);
    else if (choice === 1) {
      const snapshots = await volume.listSnapshots();
      if (snapshots.length > 0) await volume.deleteSnapshot(random.pick(snapshots).name);
    } else if (choice === 2) {
      await volume.close();
      volume = await home.open();
    } else if (choice === 3) await volume.sync();
    else await volume.takeCp();
    if (round % 10 === 9) expect((await volume.check()).problems).toEqual([]);
  }
  await volume.takeCp();
  for (const [name, bytes] of model) expect(await get(volume, name)).toEqual(bytes);
  for (const { name } of await volume.listSnapshots()) await volume.deleteSnapshot(name);
  await volume.takeCp();
  await volume.takeCp();
  const report = await volume.check();
  expect(report.problems).toEqual([]);
  await volume.close();
});
