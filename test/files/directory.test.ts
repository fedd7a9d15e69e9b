import { expect, test, vi } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { BlockFile } from '../../src-main/tree/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { MemoryFiles, plain } from './memory-files.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('a directory is listed in pages, by the bytes of its names, whatever changes between the pages', () => {
  const { files } = new MemoryFiles();
  const names = Array.from({ length: 3000 }, (_, index) => `${String.fromCodePoint(97 + (index % 26), 0x10000 + index)}${index}`);
  for (const name of names) files.createFile(top, name, plain);
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = files.readDirectory(top, after, 77);
    seen.push(...page.map((entry) => entry.name));
    if (page.length < 77) break;
    after = page.at(-1)!.name;
    files.unlink(top, after);
  }
  expect(seen).toEqual(names.toSorted(byBytes));
  expect(files.readDirectory(top, undefined, 0)).toEqual([]);
  expect(files.readDirectory(top, '\u{10ffff}', 10)).toEqual([]);
});

test('a page of a directory is read in a few steps with the inodes of its entries, wherever they are', async () => {
  const home = new MemoryHome({ volume: { cacheBytes: 1 } });
  const volume = await home.create();
  const count = 2000;
  for (let number = 0; number < count; number++) {
    await volume.change(changeBlocks.create, (files) => files.createFile(top, `${(number * 7919) % count}`, plain));
  }
  await volume.takeCp();
  await using view = await volume.openView('last');
  const read = async (list: 'readDirectory' | 'readDirectoryAhead'): Promise<{ starts: number; page: number[] }> => {
    let starts = 0;
    const page = await view.query((files) => {
      starts++;
      return files[list](top, undefined, 500).map(({ ino }) => files.stat(ino).ino);
    });
    return { starts, page };
  };
  const ahead = await read('readDirectoryAhead');
  expect(new Set(ahead.page).size).toBe(500);
  expect(ahead.starts).toBeLessThan(12);
  expect((await read('readDirectory')).page).toEqual(ahead.page);
  await volume.close();
});

test('a directory of a million entries has no slow step', { timeout: 120_000 }, () => {
  const memory = new MemoryFiles();
  const { files } = memory;
  const ino = files.createFile(top, 'file', plain);
  const directory = files.makeDirectory(top, 'many', plain);
  const nameOf = (number: number): string => `entry number ${(Math.imul(number, 0x9e3779b1) >>> 0).toString(36)} of many`;
  const count = 1_000_000;
  for (let number = 0; number < count; number++) {
    files.link(ino, directory, nameOf(number));
    if (number % 1000 === 0) memory.pending = [];
  }
  expect(files.stat(directory).sizeBytes).toBe(count);
  expect(files.stat(ino).linkCount).toBe(count + 1);

  const calls = [vi.spyOn(BlockFile.prototype, 'read'), vi.spyOn(BlockFile.prototype, 'write'), vi.spyOn(BlockFile.prototype, 'overwrite')];
  const blocksAskedFor = (operation: () => unknown): number => {
    for (const spy of calls) spy.mockClear();
    operation();
    return calls.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  };
  const random = new SeededRandom(3);
  for (let round = 0; round < 500; round++) {
    const number = round * 1999;
    expect(blocksAskedFor(() => files.lookup(directory, nameOf(number)))).toBeLessThanOrEqual(5);
    expect(blocksAskedFor(() => files.readDirectory(directory, nameOf(random.below(count)), 50))).toBeLessThanOrEqual(12);
    expect(blocksAskedFor(() => files.link(ino, directory, `new ${round}`))).toBeLessThanOrEqual(40);
    expect(blocksAskedFor(() => files.unlink(directory, nameOf(number)))).toBeLessThanOrEqual(40);
    const [from, to] = [{ parent: directory, name: nameOf(number + 1) }, { parent: directory, name: `moved ${round}` }];
    expect(blocksAskedFor(() => files.rename(from, to))).toBeLessThanOrEqual(60);
  }
  for (const spy of calls) spy.mockRestore();
  expect(files.stat(directory).sizeBytes).toBe(count);
});

test('no change in directories of many nodes reads anything after it has begun to change', async () => {
  const seed = 12;
  const random = new SeededRandom(seed);
  const memory = new MemoryFiles();
  const { files } = memory;
  const directories = [files.makeDirectory(top, 'one', plain), files.makeDirectory(top, 'two', plain)];
  const there: { parent: number; name: string }[] = [];
  const takeOut = (): { parent: number; name: string } => {
    const index = random.below(there.length);
    const [found] = there.splice(index, 1, there.at(-1)!);
    there.pop();
    return found!;
  };
  let serial = 0;
  for (let step = 0; step < 30_000; step++) {
    const isGrowing = Math.floor(step / 3000) % 2 === 0;
    const parent = random.pick(directories);
    const name = `${random.below(1000)}-${serial++}-${'n'.repeat(random.below(200))}`;
    if (there.length < 10 || random.chance(isGrowing ? 0.6 : 0.1)) {
      await memory.change(changeBlocks.create, () => files.createFile(parent, name, plain));
      there.push({ parent, name });
    } else if (random.chance(0.3)) {
      const from = takeOut();
      const to = random.chance(0.3) ? takeOut() : { parent, name };
      await memory.change(changeBlocks.rename, () => files.rename(from, to));
      there.push(to);
    } else {
      const from = takeOut();
      const { ino } = files.lookup(from.parent, from.name);
      const isOpen = random.chance(0.2);
      if (isOpen) files.open(ino);
      await memory.change(changeBlocks.remove, () => files.unlink(from.parent, from.name));
      if (isOpen && random.chance(0.5)) await memory.change(changeBlocks.close, () => files.close(ino));
    }
    if (step % 1000 === 0) memory.pending = [];
  }
  const left = directories.reduce((sum, ino) => sum + files.stat(ino).sizeBytes, 0);
  expect(left, `seed ${seed}`).toBe(there.length);
});

test('a large directory on a volume whose cache holds a part of it is changed and listed right', async () => {
  const seed = 99;
  const home = new MemoryHome({ seed, volume: { cacheBytes: 1 } });
  const { random } = home;
  const volume = await home.create();
  const { ino, directory } = await volume.change(2 * changeBlocks.create, (files) => ({
    ino: files.createFile(top, 'file', plain),
    directory: files.makeDirectory(top, 'many', plain),
  }));
  const names = new Set<string>();
  const newName = (): string => `${random.below(1_000_000)}-${'n'.repeat(random.below(200))}`;
  for (let round = 0; round < 12_000; round++) {
    const name = newName();
    if (names.has(name)) continue;
    await volume.change(changeBlocks.create, (files) => files.link(ino, directory, name));
    names.add(name);
  }
  for (let round = 0; round < 30; round++) {
    await volume.takeCp();
    for (let step = 0; step < 20; step++) {
      const all = [...names];
      const [old, name] = [random.pick(all), newName()];
      if (names.has(name)) continue;
      names.delete(old);
      if (random.chance(0.5)) await volume.change(changeBlocks.remove, (files) => files.unlink(directory, old));
      else {
        const move = { from: { parent: directory, name: old }, to: { parent: directory, name } };
        // Two names of one file: the move takes place, since the new one is not there.
        await volume.change(changeBlocks.rename, (files) => files.rename(move.from, move.to));
        names.add(name);
      }
    }
  }
  await volume.close();
  await using again = await home.open();
  const listed: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await again.query((files) => files.readDirectory(directory, after, 500));
    listed.push(...page.map((entry) => entry.name));
    if (page.length < 500) break;
    after = page.at(-1)!.name;
  }
  expect(listed, `seed ${seed}`).toEqual([...names].sort(byBytes));
  expect((await again.query((files) => files.stat(ino))).linkCount).toBe(names.size + 1);
  expect((await again.check()).problems).toEqual([]);
});
