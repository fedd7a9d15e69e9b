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

  it('uses again what was given back, and never what was forfeited', () => {
    const pool = new BlockPool({ capacityBytes: 2 * 65536, blockSizeBytes: 65536 });
    const first = pool.take();
    pool.give(first);
    const again = new Set([pool.take(), pool.take()]);
    expect(again.has(first)).toBe(true);
    pool.forfeit();
    const lost = [...again];
    expect(lost).not.toContain(pool.take());
    expect(pool.freeCount).toBe(0);
  });
});
