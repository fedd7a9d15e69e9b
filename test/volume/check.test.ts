import { beforeEach, describe, expect, test } from 'vitest';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { type InodeFields, pointerChecksum, pointerVbn, setPointer } from '../../src-main/format/index.ts';
import { nameKey } from '../../src-main/snapshots/index.ts';
import type { CheckProblem } from '../../src-main/volume/index.ts';
import { Forgery } from './forgery.ts';
import { MemoryHome } from './memory-volume.ts';

/** Where a name's entry has the number of inodes, as FORMAT.md says. */
const inodeCountOffset = 14;

/** Two files of one block each, `one` in inode 2 and `two` in inode 3, and a snapshot in which `two` has less in it. */
async function madeVolume(): Promise<MemoryHome> {
  const home = new MemoryHome({ sizeBytes: 16 << 20 });
  await using volume = await home.create();
  for (const [index, name] of ['one', 'two'].entries()) {
    const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
    expect(ino).toBe(index + 2);
    await volume.change(changeBlocks.write(4096, 4096), (files) => files.write(ino, 0, new Uint8Array(4096).fill(index + 1)));
  }
  await volume.createSnapshot('kept');
  await volume.change(changeBlocks.write(8, 4096), (files) => files.write(3, 0, new Uint8Array(8)));
  await volume.takeCp();
  return home;
}

describe('a check tells of', () => {
  let home: MemoryHome;
  beforeEach(async () => {
    home = await madeVolume();
  });

  async function problemsAfter(forge: (forgery: Forgery) => Promise<void> | void): Promise<CheckProblem[]> {
    await Forgery.of(home.devices, forge);
    await using volume = await home.open();
    return (await volume.check()).problems;
  }

  const vbnOf = (file: InodeFields): number => pointerVbn(file.slots, 0);

  /** Sets or clears the bit of a VBN in the free map, which is one block here. */
  async function mark(forgery: Forgery, vbn: number, isUsed: boolean): Promise<void> {
    forgery.root.usedBlockCount += isUsed ? 1 : -1;
    await forgery.block(forgery.root.files.freeMap, 0, (bits) => {
      bits[vbn >> 3]! ^= 1 << (vbn & 7);
      expect((bits[vbn >> 3]! & (1 << (vbn & 7))) !== 0).toBe(isUsed);
    });
  }

  /** Changes the first leaf of the snapshot table, which is all of it here, from where a text stands in it. */
  async function table(forgery: Forgery, text: Uint8Array | string, change: (leaf: Uint8Array, at: number) => void): Promise<void> {
    await forgery.block(forgery.root.files.snapshots, 1, (leaf) => {
      const at = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).indexOf(text);
      expect(at).toBeGreaterThan(0);
      change(leaf, at);
    });
  }

  test('nothing when a root was only written again', async () => {
    expect(await problemsAfter((forgery) => forgery.inode(2, () => undefined))).toEqual([]);
  });

  test('a count of inodes, and of blocks, that is not right', async () => {
    const problems = await problemsAfter(({ root }) => {
      root.inodeCount++;
      root.usedBlockCount--;
    });
    expect(problems.map(({ code }) => code)).toEqual(['count', 'count']);
    expect(problems.map(({ message }) => message).join(' ')).toMatch(/blocks in use, the free map .* inodes in use, and there are 3\./);
  });

  test('a block in use that nothing references', async () => {
    let vbn = 0;
    const problems = await problemsAfter(async (forgery) => {
      vbn = forgery.root.blockCount - 1;
      await mark(forgery, vbn, true);
    });
    expect(problems).toEqual([{ code: 'leaked', message: `Block ${vbn} is marked as in use, and nothing references it.` }]);
  });

  test('a block that is referenced and free', async () => {
    let vbn = 0;
    const problems = await problemsAfter((forgery) =>
      forgery.inode(2, async (one) => {
        vbn = vbnOf(one);
        await mark(forgery, vbn, false);
      }),
    );
    expect(problems).toEqual([{ code: 'lost', message: `Block ${vbn} is referenced, and the free map calls it free.` }]);
  });

  test('a block that belongs to two', async () => {
    const problems = await problemsAfter((forgery) =>
      forgery.inode(2, ({ slots }) => {
        setPointer(slots, 0, { vbn: pointerVbn(slots, 0), birthCp: forgery.root.cp, checksum: pointerChecksum(slots, 0) });
      }),
    );
    expect(problems).toContainEqual({ code: 'shared', message: expect.stringMatching(/points to block \d+, which something else holds as well\.$/) as string });
  });

  test('a pointer that leads outside', async () => {
    const problems = await problemsAfter((forgery) =>
      forgery.inode(2, (one) => {
        setPointer(one.slots, 0, { vbn: forgery.root.blockCount + 5, birthCp: forgery.root.cp, checksum: 0n });
      }),
    );
    expect(problems).toContainEqual({ code: 'outside', message: expect.stringMatching(/points to block \d+, beyond the volume's end\.$/) as string });
  });

  test('a block that has rotted', async () => {
    let vbn = 0;
    const problems = await problemsAfter((forgery) =>
      forgery.inode(2, async (one) => {
        vbn = vbnOf(one);
        await forgery.rot(one, 0);
      }),
    );
    expect(problems.map(({ code }) => code)).toEqual(['unreadable']);
    expect(problems[0]!.message).toContain(`Block ${vbn} of a file of CP 2 is bad`);
  });

  test('links that are not there', async () => {
    const problems = await problemsAfter((forgery) =>
      forgery.inode(3, (two) => {
        two.linkCount = 2;
      }),
    );
    expect(problems).toEqual([{ code: 'link', message: 'Inode 3 claims 2 links, and 1 lead to it.' }]);
  });

  test("a snapshot name's entry that says something else than the row", async () => {
    const problems = await problemsAfter((forgery) =>
      table(forgery, nameKey('kept'), (leaf, at) => {
        leaf[at + nameKey('kept').length + inodeCountOffset]!++;
      }),
    );
    expect(problems).toEqual([{ code: 'damaged', message: 'The entry of the snapshot "kept" says something else than the row of its CP.' }]);
  });

  test('a snapshot that cannot be found by its name, and a name that no row has', async () => {
    const problems = await problemsAfter((forgery) =>
      table(forgery, nameKey('kept'), (leaf, at) => {
        leaf.set(nameKey('keep'), at);
      }),
    );
    expect(problems).toEqual([
      { code: 'damaged', message: 'The entry of the snapshot "keep" says something else than the row of its CP.' },
      { code: 'damaged', message: 'CP 2 is kept under the name "kept", by which it cannot be found.' },
    ]);
  });
});
