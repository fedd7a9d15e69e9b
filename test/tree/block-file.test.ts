import { describe, expect, it } from 'vitest';
import type { BlockFile, TreeRoot } from '../../src-main/tree/index.ts';
import { fillBlock, TreeLab, versionOf } from './tree-lab.ts';

/** The version of each block in a range, null for a hole. */
async function versions(lab: TreeLab, file: BlockFile, count: number): Promise<(number | null)[]> {
  return lab.cache.run(() =>
    Array.from({ length: count }, (_, index) => {
      const bytes = file.read(index);
      return bytes === null ? null : versionOf(bytes, index);
    }),
  );
}

function writeAll(file: BlockFile, from: number, end: number, version: number): void {
  for (let index = from; index < end; index++) fillBlock(file.overwrite(index), index, version);
}

async function commit(lab: TreeLab, file: BlockFile): Promise<TreeRoot> {
  lab.begin();
  const overlay = file.freeze();
  const root = overlay === undefined ? file.root : await lab.build(file.root, overlay);
  file.settle(root);
  lab.commit();
  return root;
}

describe('a file of blocks', () => {
  it('keeps the old bytes when a block is changed in part, and zeros where there was a hole', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 1, 5);
    await commit(lab, file);
    await lab.cache.run(() => {
      file.write(0)[4095] = 99;
    });
    const bytes = await lab.cache.run(() => file.read(0)!.slice());
    expect([bytes[12], bytes[4094], bytes[4095]]).toEqual([5, 5, 99]);
    file.write(1)[0] = 1;
    expect(file.read(1)!.reduce((sum, byte) => sum + byte, 0)).toBe(1);
  });

  it('changes a copy: neither the cached block nor the one that a CP has taken', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 1, 5);
    const root = await commit(lab, file);
    await lab.cache.run(() => file.write(0).fill(1));
    expect(await versions(lab, lab.readerOf(root), 1)).toEqual([5]);
    const overlay = file.freeze()!;
    const frozen = overlay.blocks.get(0)!.slice();
    file.write(0).fill(2);
    expect(overlay.blocks.get(0)).toEqual(frozen);
    expect(frozen[7]).toBe(1);
    expect(file.read(0)![7]).toBe(2);
  });

  it('says once that it became dirty, and again after each freeze', async () => {
    const lab = new TreeLab();
    let calls = 0;
    const file = lab.newFile(() => calls++);
    expect(file.isDirty).toBe(false);
    writeAll(file, 0, 3, 1);
    file.punch(1, 2);
    expect([calls, file.isDirty]).toEqual([1, true]);
    file.freeze();
    expect(file.isDirty).toBe(false);
    writeAll(file, 5, 6, 1);
    expect(calls).toBe(2);
    file.settle(undefined);
    expect(calls).toBe(2);
    file.freeze();
    file.settle(undefined);
    expect([calls, file.isDirty]).toEqual([3, true]);
  });

  it('gives each buffer back once, whether the CP is settled or fails', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 10, 1);
    expect([lab.pool.takenCount, file.waitingCount]).toEqual([10, 10]);
    file.punch(8, Infinity);
    file.punch(0, 1);
    expect(lab.pool.takenCount).toBe(7);
    lab.begin();
    const overlay = file.freeze()!;
    const root = await lab.build(file.root, overlay);
    writeAll(file, 2, 4, 2);
    file.punch(5, 6);
    expect([lab.pool.takenCount, file.waitingCount]).toEqual([9, 9]);
    // The CP fails: of its blocks, 2 and 3 were written anew and 5 was punched.
    file.settle(undefined);
    expect([lab.pool.takenCount, file.waitingCount]).toEqual([6, 6]);
    expect(await versions(lab, file, 10)).toEqual([null, 1, 2, 2, 1, null, 1, 1, null, null]);
    // Seven data blocks and the address block over them, of a tree that never came to be.
    expect(root.blockCount).toBe(8);
    await commit(lab, file);
    expect(lab.pool.takenCount).toBe(0);
  });

  it('lets newer holes hide what the CP has taken, and newer blocks fill them', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 8, 1);
    await commit(lab, file);
    writeAll(file, 2, 6, 2);
    file.punch(6, 7);
    file.freeze();
    file.punch(3, 5);
    writeAll(file, 4, 5, 3);
    writeAll(file, 6, 7, 3);
    const expected = [1, 1, 2, null, 3, 2, 3, 1];
    expect(await versions(lab, file, 8)).toEqual(expected);
    file.settle(undefined);
    expect(await versions(lab, file, 8)).toEqual(expected);
    const root = await commit(lab, file);
    expect(await versions(lab, lab.readerOf(root), 8)).toEqual(expected);
  });

  it('tells of each block in a range whether it waits, is stored or is a hole', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 4, 1);
    await commit(lab, file);
    writeAll(file, 1, 2, 2);
    file.punch(2, 3);
    const seen: string[] = [];
    await lab.cache.run(() => {
      seen.length = 0;
      file.resolve(0, 6, {
        waiting: (index) => seen.push(`${index} waiting`),
        stored: (index) => seen.push(`${index} stored`),
        hole: (index) => seen.push(`${index} hole`),
      });
    });
    expect(seen).toEqual(['0 stored', '1 waiting', '2 hole', '3 stored', '4 hole', '5 hole']);
  });

  it('skips holes of any size when it seeks data, whatever waits beside them', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    const far = 2 ** 40;
    writeAll(file, far, far + 1, 1);
    await commit(lab, file);
    expect(await lab.cache.run(() => file.seek(0, Infinity, 'data'))).toBe(far);
    writeAll(file, 0, 1, 2);
    file.punch(1000, 2 ** 30);
    // One step for each hole that is skipped; block by block this would never end.
    expect(await lab.cache.run(() => file.seek(1, Infinity, 'data'))).toBe(far);
    expect(await lab.cache.run(() => file.seek(1, far, 'data'))).toBe(undefined);
    file.freeze();
    file.punch(0, 1);
    expect(await lab.cache.run(() => file.seek(0, Infinity, 'data'))).toBe(far);
    writeAll(file, 77, 78, 3);
    expect(await lab.cache.run(() => file.seek(0, Infinity, 'data'))).toBe(77);
    file.punch(far, far + 1);
    expect(await lab.cache.run(() => file.seek(78, Infinity, 'data'))).toBe(undefined);
    expect(await lab.cache.run(() => file.seek(far, Infinity, 'hole'))).toBe(far);
  });

  it('cannot be frozen for two CPs at once', () => {
    const file = new TreeLab().newFile();
    writeAll(file, 0, 1, 1);
    file.freeze();
    expect(() => file.freeze()).toThrow('one CP at a time');
  });

  it('refuses to be written without memory for changes: snapshots are read-only', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeAll(file, 0, 1, 1);
    const reader = lab.readerOf(await commit(lab, file));
    await expect(lab.cache.run(() => reader.write(0))).rejects.toThrow('read-only');
    expect(() => reader.overwrite(1)).toThrow('read-only');
  });
});
