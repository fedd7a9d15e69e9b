import { describe, expect, it } from 'vitest';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { MemoryFiles, plain } from './memory-files.ts';

async function hintOf(memory: MemoryFiles, ino: number): Promise<number> {
  return memory.query((files) => files.inodes.get(ino).fields.parentInode);
}

describe('the hint that a file keeps of a folder with its name', () => {
  it('is the last folder that got one, by whatever way, and the same after a replay', async () => {
    const memory = new MemoryFiles();
    const [one, two] = await memory.change(2 * changeBlocks.create, (files) => [files.makeDirectory(top, 'one', plain), files.makeDirectory(top, 'two', plain)] as const);
    const file = await memory.change(changeBlocks.create, (files) => files.createFile(one, 'file', plain));
    const other = await memory.change(changeBlocks.create, (files) => files.createFile(top, 'other', plain));
    const link = await memory.change(changeBlocks.symlink, (files) => files.symlink(two, 'link', 'file', plain));
    expect([await hintOf(memory, file), await hintOf(memory, other), await hintOf(memory, link)]).toEqual([one, top, two]);
    await memory.change(changeBlocks.rename, (files) => files.rename({ parent: one, name: 'file' }, { parent: two, name: 'moved' }));
    expect(await hintOf(memory, file)).toBe(two);
    await memory.change(changeBlocks.rename, (files) => files.rename({ parent: two, name: 'moved' }, { parent: top, name: 'other' }, { exchange: true }));
    expect([await hintOf(memory, file), await hintOf(memory, other)]).toEqual([top, two]);
    await memory.change(changeBlocks.create, (files) => files.link(file, one, 'again'));
    expect(await hintOf(memory, file)).toBe(one);
    // The name goes from the folder, and the hint stays: it is no promise.
    await memory.change(changeBlocks.remove, (files) => files.unlink(one, 'again'));
    expect(await hintOf(memory, file)).toBe(one);
    await memory.sync();
    const replayed = await memory.replayed();
    for (const ino of [file, other, link]) expect(await hintOf(replayed, ino)).toBe(await hintOf(memory, ino));
  });

  it('does not outlive the file: whoever gets its number next has one of its own', async () => {
    const memory = new MemoryFiles();
    const folder = await memory.change(changeBlocks.create, (files) => files.makeDirectory(top, 'folder', plain));
    const first = await memory.change(changeBlocks.create, (files) => files.createFile(folder, 'first', plain));
    await memory.change(changeBlocks.remove, (files) => files.unlink(folder, 'first'));
    const second = await memory.change(changeBlocks.create, (files) => files.createFile(top, 'second', plain));
    expect([second, await hintOf(memory, second)]).toEqual([first, top]);
  });
});
