import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { IntervalSet } from '../../src-main/tree/index.ts';

describe('an interval set', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('holds what a plain set holds (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const set = new IntervalSet();
    const model = new Set<number>();
    const limit = 60 + random.below(200);
    for (let round = 0; round < 60; round++) {
      const start = random.below(limit);
      const end = start + random.below(12);
      set.add(start, end);
      for (let value = start; value < end; value++) model.add(value);
      for (let value = 0; value < limit + 12; value++) {
        expect(set.has(value)).toBe(model.has(value));
        let endAround = value;
        while (model.has(endAround)) endAround++;
        expect(set.endAround(value)).toBe(model.has(value) ? endAround : undefined);
      }
      const intervals = [...set];
      // Sorted, disjoint and not touching: neighbours have become one.
      for (let index = 1; index < intervals.length; index++) {
        expect(intervals[index]![0]).toBeGreaterThan(intervals[index - 1]![1]);
      }
      expect(intervals.reduce((sum, [from, to]) => sum + to - from, 0)).toBe(model.size);
    }
  });

  it('has an end without bound', () => {
    const set = new IntervalSet();
    expect(set.isEmpty).toBe(true);
    set.add(5, 5);
    expect(set.isEmpty).toBe(true);
    set.add(10, 20);
    set.add(15, Infinity);
    set.add(30, 40);
    expect([...set]).toEqual([[10, Infinity]]);
    expect([set.has(9), set.has(10), set.has(2 ** 53 - 1), set.endAround(11)]).toEqual([false, true, true, Infinity]);
  });
});
