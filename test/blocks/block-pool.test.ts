import { describe, expect, it } from 'vitest';
import { BlockPool } from '../../src-main/blocks/index.ts';

describe('the block pool', () => {
  it('hands out buffers that do not overlap, up to its capacity', () => {
    const pool = new BlockPool({ capacityBytes: 600 * 4096, blockSizeBytes: 4096 });
    const taken = Array.from({ length: 600 }, (_, index) => pool.take().fill(index & 0xff));
    taken.forEach((bytes, index) => {
      expect(bytes.length).toBe(4096);
      expect(bytes.every((byte) => byte === (index & 0xff))).toBe(true);
    });
    expect([pool.takenCount, pool.freeCount]).toEqual([600, 0]);
    expect(() => pool.take()).toThrow('room in the block pool');
  });

  it('uses again what was given back', () => {
    const pool = new BlockPool({ capacityBytes: 2 * 65536, blockSizeBytes: 65536 });
    const first = pool.take();
    pool.give(first);
    expect([pool.take(), pool.take()]).toContain(first);
    expect(pool.freeCount).toBe(0);
  });

  it('keeps neighbours in memory beside each other, however often they are used', () => {
    const pool = new BlockPool({ capacityBytes: 512 * 4096, blockSizeBytes: 4096 });
    for (let round = 0; round < 5; round++) {
      const taken = Array.from({ length: 256 }, () => pool.take());
      const joints = taken.slice(1).filter((bytes, index) => bytes.buffer === taken[index]!.buffer && bytes.byteOffset === taken[index]!.byteOffset + 4096);
      expect(joints.length).toBeGreaterThanOrEqual(254);
      for (const bytes of taken) pool.give(bytes);
    }
    expect(pool.takenCount).toBe(0);
  });

  it('goes over its capacity only while it may, and is no larger afterwards', () => {
    const pool = new BlockPool({ capacityBytes: 2 * 65536, blockSizeBytes: 65536 });
    pool.mayExceed = true;
    const taken = Array.from({ length: 5 }, () => pool.take());
    pool.mayExceed = false;
    expect(() => pool.take()).toThrow('room in the block pool');
    for (const bytes of taken) pool.give(bytes);
    const again = [pool.take(), pool.take()];
    expect(taken).toEqual(expect.arrayContaining(again));
    expect(() => pool.take()).toThrow('room in the block pool');
  });
});
