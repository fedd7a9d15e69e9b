import { describe, expect, test } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { nameFromBytes, nameToBytes, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { MemoryFiles, plain } from './memory-files.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
  return 'none';
};

describe('a name', () => {
  test('is 1 to 255 bytes of UTF-8 without slash and zero byte, and neither . nor ..', () => {
    expect(nameToBytes('ä').length).toBe(2);
    expect(nameToBytes('😀'.repeat(63) + 'abc').length).toBe(255);
    expect(codeOf(() => nameToBytes('😀'.repeat(64)))).toBe('name-too-long');
    expect(codeOf(() => nameToBytes('x'.repeat(256)))).toBe('name-too-long');
    for (const bad of ['', '.', '..', 'a/b', '/', 'a\0b', 'a\ud800', '\udc00']) {
      expect(codeOf(() => nameToBytes(bad)), JSON.stringify(bad)).toBe('name-invalid');
    }
    for (const good of ['...', '.a', ' ', '\n', 'a\\b', '\u{feff}x', 'e\u0301', '\u00e9']) {
      expect(nameFromBytes(nameToBytes(good))).toBe(good);
    }
  });

  test('that is not UTF-8 is refused and named in hexadecimal', () => {
    for (const bad of [[0xff], [0x61, 0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      const bytes = new Uint8Array(bad);
      expect(() => nameFromBytes(bytes)).toThrow(expect.objectContaining({ code: 'name-invalid' }));
      expect(() => nameFromBytes(bytes)).toThrow(Buffer.from(bytes).toString('hex'));
    }
    expect(codeOf(() => nameFromBytes(new Uint8Array([0x2e, 0x2e])))).toBe('name-invalid');
  });
});

describe('a path', () => {
  async function tree(): Promise<MemoryFiles> {
    const memory = new MemoryFiles();
    await memory.query((files) => {
      const a = files.makeDirectory(top, 'a', plain);
      const b = files.makeDirectory(a, 'b', plain);
      files.createFile(b, 'file', plain);
      files.symlink(a, 'toB', 'b', plain);
      files.symlink(a, 'toFile', 'toB/file', plain);
      files.symlink(b, 'up', '../..', plain);
      files.symlink(top, 'absolute', '/a/b', plain);
      files.symlink(top, 'loop', 'loop', plain);
      files.symlink(top, 'ping', 'pong', plain);
      files.symlink(top, 'pong', '/ping', plain);
      files.symlink(top, 'dangling', 'nowhere', plain);
    });
    return memory;
  }

  test('leads over directories, dots and symbolic links', async () => {
    const { files } = await tree();
    const file = files.resolvePath('/a/b/file');
    for (const path of ['a/b/file', '//a/./b//file', '/a/b/../b/file', '/../../a/b/file', '/a/toFile', '/absolute/file', '/a/b/up/a/toB/file', '/absolute/up/absolute/file']) {
      expect(files.resolvePath(path), path).toBe(file);
    }
    expect(files.resolvePath('/')).toBe(top);
    expect(files.resolvePath('/a/b/up')).toBe(top);
    expect(files.resolvePath('/a/toB/')).toBe(files.resolvePath('/a/b'));
    expect(files.stat(files.resolvePath('/a/toFile', { followLast: false })).kind).toBe('symlink');
    expect(files.resolvePath('/a/toB/', { followLast: false })).toBe(files.resolvePath('/a/b'));
    expect(files.readLink(files.resolvePath('/a/b/up', { followLast: false }))).toBe('../..');
  });

  test('that leads nowhere says why', async () => {
    const { files } = await tree();
    expect(codeOf(() => files.resolvePath('/a/x/file'))).toBe('not-found');
    expect(codeOf(() => files.resolvePath('/dangling'))).toBe('not-found');
    expect(codeOf(() => files.resolvePath('/a/b/file/x'))).toBe('not-a-directory');
    expect(codeOf(() => files.resolvePath('/a/b/file/'))).toBe('not-a-directory');
    expect(codeOf(() => files.resolvePath('/loop'))).toBe('too-many-symbolic-links');
    expect(codeOf(() => files.resolvePath('/ping/x'))).toBe('too-many-symbolic-links');
    expect(codeOf(() => files.resolvePath(`/${'x'.repeat(256)}`))).toBe('name-too-long');
    expect(files.stat(files.resolvePath('/dangling', { followLast: false })).kind).toBe('symlink');
  });

  test('of a directory is found from its number', async () => {
    const memory = await tree();
    const { files } = memory;
    expect(await files.pathOf(top)).toBe('/');
    expect(await files.pathOf(files.resolvePath('/a/b'))).toBe('/a/b');
    files.rename({ parent: files.resolvePath('/a'), name: 'b' }, { parent: top, name: 'moved' });
    expect(await files.pathOf(files.resolvePath('/moved'))).toBe('/moved');
    expect(files.parentOf(files.resolvePath('/moved'))).toBe(top);
  });

  test('cannot reach inodes that are none, or hold attributes', async () => {
    const { files } = await tree();
    const ino = files.resolvePath('/a/b/file');
    files.setExtendedAttribute(ino, 'user.x', new Uint8Array(3));
    const holder = ino + 100;
    for (const bad of [0, -1, 1.5, Number.NaN, holder, 2 ** 60]) expect(codeOf(() => files.stat(bad))).toBe('not-found');
    for (let number = 1; number < 40; number++) {
      const code = codeOf(() => files.stat(number));
      expect(['none', 'not-found']).toContain(code);
      if (code === 'none') expect(['file', 'directory', 'symlink']).toContain(files.stat(number).kind);
    }
  });
});

describe('a directory', () => {
  test('is never moved or swapped into itself', () => {
    const { files } = new MemoryFiles();
    const a = files.makeDirectory(top, 'a', plain);
    const b = files.makeDirectory(a, 'b', plain);
    const c = files.makeDirectory(b, 'c', plain);
    const at = (parent: number, name: string): { parent: number; name: string } => ({ parent, name });
    expect(codeOf(() => files.rename(at(top, 'a'), at(a, 'x')))).toBe('argument-invalid');
    expect(codeOf(() => files.rename(at(top, 'a'), at(c, 'x')))).toBe('argument-invalid');
    expect(codeOf(() => files.rename(at(top, 'a'), at(b, 'c'), { exchange: true }))).toBe('argument-invalid');
    expect(codeOf(() => files.rename(at(b, 'c'), at(top, 'a'), { exchange: true }))).toBe('argument-invalid');
    expect(files.resolvePath('/a/b/c')).toBe(c);
    files.rename(at(b, 'c'), at(a, 'c'));
    files.rename(at(a, 'c'), at(a, 'b'), { exchange: true });
    expect([files.resolvePath('/a/b'), files.resolvePath('/a/c')]).toEqual([c, b]);
    expect(files.stat(a).linkCount).toBe(4);
  });
});
