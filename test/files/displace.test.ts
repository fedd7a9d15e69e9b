import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { testSeed } from '../seed.ts';
import { dumpTree, MemoryFiles, plain } from './memory-files.ts';

const seenIn = (memory: MemoryFiles): Promise<Record<string, unknown>> =>
  dumpTree({ query: (operation) => memory.query(operation), readInto: (ino, offset, target) => memory.files.readInto(ino, offset, target) }, { withTimes: true });

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (fault: unknown) => (fault as { code?: string }).code ?? String(fault),
  );

describe('a name that is moved over another, which goes aside', () => {
  it('takes its place whatever the two are, and the same after a replay', async () => {
    const memory = new MemoryFiles();
    const make = (parent: number, name: string, kind: 'file' | 'folder'): Promise<number> =>
      memory.change(changeBlocks.create, (files) => (kind === 'file' ? files.createFile(parent, name, plain) : files.makeDirectory(parent, name, plain)));
    const aside = await make(top, 'aside', 'folder');
    const kinds = ['file', 'folder'] as const;
    for (const from of kinds) {
      for (const to of kinds) {
        const holder = await make(top, `${from} over ${to}`, 'folder');
        const moved = await make(top, 'moved', from);
        const old = await make(holder, 'old', to);
        for (const folder of [...(from === 'folder' ? [moved] : []), ...(to === 'folder' ? [old] : [])]) await make(folder, 'inside', 'file');
        await memory.change(changeBlocks.displace, (files) => {
          files.displace({ parent: top, name: 'moved' }, { parent: holder, name: 'old' }, { parent: aside, name: `${from} ${to}` });
        });
        const found = await memory.query((files) => [files.lookup(holder, 'old').ino, files.lookup(aside, `${from} ${to}`).ino]);
        expect(found).toEqual([moved, old]);
        expect(await codeOf(memory.query((files) => files.lookup(top, 'moved')))).toBe('not-found');
      }
    }
    await memory.sync();
    expect(await seenIn(await memory.replayed())).toEqual(await seenIn(memory));
  });

  it(`reads nothing after it has begun, in folders of many entries (seed ${testSeed})`, async () => {
    const random = new SeededRandom(testSeed);
    const memory = new MemoryFiles();
    const folders: number[] = [];
    for (const name of ['from', 'to', 'aside']) folders.push(await memory.change(changeBlocks.create, (files) => files.makeDirectory(top, name, plain)));
    const [from = 0, to = 0, aside = 0] = folders;
    const names = Array.from({ length: 400 }, (_, index) => `${random.below(1_000_000)} ${'x'.repeat(random.below(60))} ${index}`);
    for (const parent of [from, to]) for (const name of names) await memory.change(changeBlocks.create, (files) => files.createFile(parent, name, plain));
    for (const name of names) {
      await memory.change(changeBlocks.displace, (files) => {
        files.displace({ parent: from, name }, { parent: to, name }, { parent: aside, name });
      });
    }
    expect(await memory.query((files) => [from, to, aside].map((ino) => files.stat(ino).sizeBytes))).toEqual([0, 400, 400]);
  });

  it('stays where it is when the other is missing, the third is taken, or one lies in the other', async () => {
    const memory = new MemoryFiles();
    const folder = await memory.change(changeBlocks.create, (files) => files.makeDirectory(top, 'folder', plain));
    await memory.change(changeBlocks.create, (files) => files.createFile(folder, 'file', plain));
    await memory.change(changeBlocks.create, (files) => files.createFile(top, 'other', plain));
    const before = await seenIn(memory);
    const displace = (source: [number, string], target: [number, string], third: [number, string]): Promise<string> => {
      const [a, b, c] = [source, target, third].map(([parent, name]) => ({ parent, name }));
      return codeOf(memory.change(changeBlocks.displace, (files) => files.displace(a!, b!, c!)));
    };
    expect(await displace([folder, 'file'], [top, 'missing'], [top, 'third'])).toBe('not-found');
    expect(await displace([folder, 'file'], [top, 'other'], [top, 'folder'])).toBe('exists');
    expect(await displace([top, 'folder'], [folder, 'file'], [top, 'third'])).toBe('argument-invalid');
    expect(await displace([folder, 'file'], [top, 'folder'], [top, 'third'])).toBe('argument-invalid');
    expect(await seenIn(memory)).toEqual(before);
  });
});
