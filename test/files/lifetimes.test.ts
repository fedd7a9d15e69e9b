import { describe, expect, test } from 'vitest';
import { changeBlocks, rootDirectoryInode as top, writeBytesMax } from '../../src-main/files/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { MemoryFiles, plain } from './memory-files.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('a file without a name', () => {
  test('lives as long as it is open, and is freed by the last close', async () => {
    const { files, table, context } = new MemoryFiles();
    const blocks = context.pool.takenCount;
    const ino = files.createFile(top, 'f', plain);
    files.write(ino, 0, new Uint8Array(10_000).fill(1));
    files.open(ino);
    files.open(ino);
    files.unlink(top, 'f');
    expect(files.orphanCount).toBe(1);
    files.write(ino, 10_000, new Uint8Array(10_000).fill(2));
    files.close(ino);
    const bytes = new Uint8Array(20_000);
    expect(await files.readInto(ino, 0, bytes)).toBe(20_000);
    expect(() => files.link(ino, top, 'back')).toThrow(code('not-found'));
    files.close(ino);
    expect(files.orphanCount).toBe(0);
    expect(() => files.stat(ino)).toThrow(code('not-found'));
    expect(table.counters).toEqual({ nextInode: 3, freeInodeHead: ino, inodeCount: 1 });
    expect(context.pool.takenCount).toBe(blocks);
  });

  test('gives its number to the next file, which is told apart by its generation', () => {
    const { files } = new MemoryFiles();
    const first = files.createFile(top, 'f', plain);
    const { generation } = files.stat(first);
    files.unlink(top, 'f');
    const second = files.createFile(top, 'g', plain);
    expect(second).toBe(first);
    expect(files.stat(second).generation).toBe(generation + 1);
  });

  test('takes its extended attributes along', () => {
    const { files, table } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    files.setExtendedAttribute(ino, 'user.a', new Uint8Array(5));
    expect(table.counters.inodeCount).toBe(3);
    files.unlink(top, 'f');
    expect(table.counters.inodeCount).toBe(1);
  });

  test('that is an open directory takes no more names', () => {
    const { files } = new MemoryFiles();
    const directory = files.makeDirectory(top, 'd', plain);
    files.open(directory);
    files.removeDirectory(top, 'd');
    expect(files.readDirectory(directory, undefined, 10)).toEqual([]);
    expect(() => files.createFile(directory, 'f', plain)).toThrow(code('not-found'));
    files.close(directory);
    expect(() => files.stat(directory)).toThrow(code('not-found'));
  });

  test('that is very large is taken apart over several CPs, and survives a crash in between', async () => {
    const home = new MemoryHome({ sizeBytes: 1 << 30, volume: { poolBytes: 64 << 20 } });
    const volume = await home.create();
    const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, 'huge', plain));
    const part = new Uint8Array(writeBytesMax).fill(3);
    const parts = 300;
    for (let index = 0; index < parts; index++) {
      await volume.change(changeBlocks.write(part.length, 4096), (files) => files.write(ino, index * part.length, part));
    }
    await volume.takeCp();
    await volume.change(changeBlocks.remove, (files) => files.unlink(top, 'huge'));
    expect(await volume.query((files) => files.orphanCount)).toBe(1);
    const used = volume.status().usedBlockCount;
    await volume.sync();
    await volume.takeCp();
    await volume.sync();
    const again = await home.open();
    for (let count = 0; count < 4; count++) await again.takeCp();
    expect(await again.query((files) => files.orphanCount)).toBe(0);
    expect(again.status().inodeCount).toBe(1);
    expect(again.status().usedBlockCount).toBeLessThan(used - parts * 256);
    expect((await again.check()).problems).toEqual([]);
    await again.close();
  });
});

describe('extended attributes', () => {
  test('hold up to 64 KiB each, and are listed in order', () => {
    const { files } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    const values = new Map([
      ['user.large', new Uint8Array(65_536).map((_, index) => index * 31)],
      [`user.${'l'.repeat(250)}`, new Uint8Array(65_536).fill(2)],
      ['user.empty', new Uint8Array(0)],
      ['user.a/b', new Uint8Array(1)],
    ]);
    for (const [name, value] of values) files.setExtendedAttribute(ino, name, value);
    expect(files.listExtendedAttributes(ino)).toEqual([...values.keys()].sort());
    for (const [name, value] of values) expect(files.getExtendedAttribute(ino, name)).toEqual(value);
    files.setExtendedAttribute(ino, 'user.large', new Uint8Array([1]));
    expect(files.getExtendedAttribute(ino, 'user.large')).toEqual(new Uint8Array([1]));
    expect(() => files.setExtendedAttribute(ino, 'user.x', new Uint8Array(65_537))).toThrow(code('attribute-too-large'));
    expect(() => files.setExtendedAttribute(ino, 'user.a/b', new Uint8Array(1), 'create')).toThrow(code('exists'));
    expect(() => files.setExtendedAttribute(ino, 'user.x', new Uint8Array(1), 'replace')).toThrow(code('attribute-not-found'));
    expect(() => files.getExtendedAttribute(ino, 'user.x')).toThrow(code('attribute-not-found'));
    expect(() => files.removeExtendedAttribute(ino, 'user.x')).toThrow(code('attribute-not-found'));
    expect(() => files.setExtendedAttribute(ino, 'x'.repeat(256), new Uint8Array(1))).toThrow(code('name-too-long'));
    expect(() => files.setExtendedAttribute(ino, '', new Uint8Array(1))).toThrow(code('name-invalid'));
  });
});

test('the record of a file that has gone, or whose number another has, holds zeros, and is replayed to the same end', async () => {
  const memory = new MemoryFiles();
  const { files } = memory;
  const ino = files.createFile(top, 'f', plain);
  files.write(ino, 0, new Uint8Array(9000).fill(1));
  files.unlink(top, 'f');
  expect(files.makeDirectory(top, 'd', plain)).toBe(ino);
  files.createFile(ino, 'g', plain);
  await memory.sync();
  const again = await memory.replayed();
  expect(again.files.resolvePath('/d')).toBe(ino);
  expect(again.files.lookup(ino, 'g')).toEqual(files.lookup(ino, 'g'));
});

test('a record that does not fit the state is refused by name', () => {
  const { files, pending } = new MemoryFiles();
  files.createFile(top, 'f', plain);
  const created = pending[0]!;
  expect(() => files.replay(created)).toThrow(code('volume-damaged'));
  expect(() => files.replay(created)).toThrow('createFile "f" in directory 1');
  files.unlink(top, 'f');
  files.makeDirectory(top, 'taken', plain);
  expect(() => files.replay(created)).toThrow('it took inode 3');
});
