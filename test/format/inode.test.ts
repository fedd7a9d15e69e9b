import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import {
  decodeInode,
  emptyInode,
  encodeInode,
  inlineBytesMax,
  inodeBytes,
  inodeTreeAt,
  treeHeightMax,
} from '../../src-main/format/index.ts';
import { randomInode } from './random-inode.ts';

describe('an inode', () => {
  it('is read as it was written, at any place in a block, and touches no other', () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 3000; round++) {
      const block = new Uint8Array(4096).fill(0x5a);
      const inode = randomInode(random);
      const offset = random.below(16) * inodeBytes;
      encodeInode(inode, block, offset);
      expect(decodeInode(block, offset)).toEqual(inode);
      expect(block.every((byte, at) => (at >= offset && at < offset + inodeBytes) || byte === 0x5a)).toBe(true);
    }
  });

  it('without content is found free in zeros: a block never written holds no inode', () => {
    expect(decodeInode(new Uint8Array(inodeBytes), 0)).toEqual(emptyInode('free'));
    expect(inodeTreeAt(new Uint8Array(inodeBytes), 0)).toBe(undefined);
  });

  it('leaves nothing of what stood in its place before', () => {
    const random = new SeededRandom(2);
    const used = random.bytes(inodeBytes);
    encodeInode(emptyInode('free'), used, 0);
    expect(used).toEqual(new Uint8Array(inodeBytes));
  });

  it('keeps times before 1970 and far from it', () => {
    const bytes = new Uint8Array(inodeBytes);
    for (const time of [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      encodeInode({ ...emptyInode('file'), modifiedNs: time, createdNs: -time - 1n }, bytes, 0);
      const found = decodeInode(bytes, 0);
      expect([found.modifiedNs, found.createdNs]).toEqual([time, -time - 1n]);
    }
  });

  it('keeps the content of a small file to its last byte, and then has no tree', () => {
    const random = new SeededRandom(3);
    const bytes = new Uint8Array(inodeBytes);
    for (let length = 0; length <= inlineBytesMax; length++) {
      const inlineContent = random.bytes(length);
      encodeInode({ ...emptyInode('file'), sizeBytes: length, inlineContent }, bytes, 0);
      expect(decodeInode(bytes, 0).inlineContent).toEqual(inlineContent);
      expect(inodeTreeAt(bytes, 0)).toBe(undefined);
    }
  });

  it('shows its tree to a walk without being decoded', () => {
    const random = new SeededRandom(4);
    const bytes = new Uint8Array(inodeBytes);
    for (let round = 0; round < 300; round++) {
      const inode = randomInode(random);
      encodeInode(inode, bytes, 0);
      const tree = inodeTreeAt(bytes, 0);
      if (inode.kind === 'free' || inode.inlineContent !== null) expect(tree).toBe(undefined);
      else {
        expect(tree).toMatchObject({ kind: inode.kind, height: inode.height });
        expect(bytes.slice(tree!.slotsOffset, tree!.slotsOffset + inode.slots.length)).toEqual(inode.slots);
      }
    }
  });

  it('whose tree a walk could not follow is refused by the walk as well', () => {
    const bytes = new Uint8Array(inodeBytes);
    const isDamaged = (fault: unknown): boolean => isFault(fault, 'volume-damaged');
    encodeInode(emptyInode('file'), bytes, 0);
    bytes[1] = treeHeightMax + 1;
    expect(() => inodeTreeAt(bytes, 0)).toThrow(expect.toSatisfy(isDamaged));
    bytes[1] = 0;
    bytes[0] = 6;
    expect(() => inodeTreeAt(bytes, 0)).toThrow(expect.toSatisfy(isDamaged));
  });
});
