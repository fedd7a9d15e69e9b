import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom, u48Max } from '../../src-main/base/index.ts';
import {
  blocksBelow,
  clearPointer,
  geometryOf,
  inodeSlots,
  isNullPointer,
  pointerBirth,
  pointerBytes,
  pointerChecksum,
  pointerVbn,
  setPointer,
  treeCapacity,
} from '../../src-main/format/index.ts';

describe('a block pointer', () => {
  it('is read as it was written, at any place, and touches no other', () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 1000; round++) {
      const bytes = new Uint8Array(5 * pointerBytes).fill(0xee);
      const target = {
        vbn: Math.floor(random.next() * (u48Max + 1)),
        birthCp: 1 + Math.floor(random.next() * u48Max),
        checksum: Buffer.from(random.bytes(8)).readBigUInt64LE(),
      };
      const offset = random.below(5) * pointerBytes;
      setPointer(bytes, offset, target);
      expect({
        vbn: pointerVbn(bytes, offset),
        birthCp: pointerBirth(bytes, offset),
        checksum: pointerChecksum(bytes, offset),
      }).toEqual(target);
      expect(isNullPointer(bytes, offset)).toBe(false);
      clearPointer(bytes, offset);
      expect(isNullPointer(bytes, offset)).toBe(true);
      expect(bytes.filter((byte) => byte === 0xee)).toHaveLength(4 * pointerBytes);
    }
  });

  it('that is null is a hole, and so is a place never written', () => {
    expect(isNullPointer(new Uint8Array(pointerBytes), 0)).toBe(true);
    const bytes = new Uint8Array(pointerBytes);
    setPointer(bytes, 0, { vbn: 0, birthCp: 1, checksum: 0n });
    expect(isNullPointer(bytes, 0)).toBe(false);
  });
});

describe('the geometry', () => {
  it('follows from the block size', () => {
    expect(geometryOf(4096)).toEqual({ blockSizeBytes: 4096, fanOut: 170, inodesPerBlock: 16, blocksPerMapBlock: 32768 });
    expect(geometryOf(65536)).toEqual({
      blockSizeBytes: 65536,
      fanOut: 2730,
      inodesPerBlock: 256,
      blocksPerMapBlock: 524288,
    });
  });

  it.each([0, -4096, 512, 2048, 4095, 4097, 12288, 131072, 4096.5, NaN])('refuses blocks of %d bytes', (blockSizeBytes) => {
    expect(() => geometryOf(blockSizeBytes)).toThrow(expect.toSatisfy((fault: unknown) => isFault(fault, 'argument-invalid')));
  });

  it.each([4096, 8192, 16384, 32768, 65536])('holds the largest volume in trees of %d-byte blocks', (blockSizeBytes) => {
    const geometry = geometryOf(blockSizeBytes);
    expect([treeCapacity(geometry, 0), treeCapacity(geometry, 1)]).toEqual([inodeSlots, inodeSlots * geometry.fanOut]);
    expect(blocksBelow(geometry, 2)).toBe(geometry.fanOut ** 2);
    expect(treeCapacity(geometry, 7)).toBeGreaterThan(2 ** 53 / blockSizeBytes);
    expect(() => blocksBelow(geometry, 8)).toThrow('out of range');
  });
});
