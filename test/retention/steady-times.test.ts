import fc from 'fast-check';
import { expect, it } from 'vitest';
import { steadyTimes } from '../../src-main/retention/index.ts';

const anyTimes = fc.array(fc.integer({ min: 0, max: 4e12 }), { maxLength: 60 });
const risingTimes = anyTimes.map((times) => times.sort((a, b) => a - b));

it('the times of a clock that never fell stay as they are', () => {
  fc.assert(
    fc.property(risingTimes, (times) => {
      expect(steadyTimes(times)).toEqual(times);
    }),
  );
});

it('times never fall, whatever the clock did, and the newest keeps its own', () => {
  fc.assert(
    fc.property(anyTimes, (times) => {
      const steady = steadyTimes(times);
      expect(steady).toEqual([...steady].sort((a, b) => a - b));
      expect(steady.at(-1)).toBe(times.at(-1));
    }),
  );
});

it('one time that is out of line beyond the next two changes no other', () => {
  fc.assert(
    fc.property(risingTimes, fc.nat(), fc.integer({ min: 0, max: 4e12 }), (times, place, wrong) => {
      fc.pre(times.length >= 3);
      const at = 1 + (place % (times.length - 2));
      fc.pre(wrong < (times[at - 2] ?? times[at - 1]!) || wrong > (times[at + 2] ?? times[at + 1]!) || (wrong >= times[at - 1]! && wrong <= times[at + 1]!));
      const steady = steadyTimes(times.with(at, wrong));
      expect(steady.toSpliced(at, 1)).toEqual(times.toSpliced(at, 1));
    }),
  );
});

it('a clock that is corrected moves what came before together, as far apart as it was', () => {
  fc.assert(
    fc.property(risingTimes, risingTimes, (before, after) => {
      fc.pre(before.length >= 2 && after.length >= 2 && before.at(-2)! > after[1]!);
      const steady = steadyTimes([...before, ...after]).slice(0, before.length);
      const distances = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - times[index]!);
      expect(distances(steady)).toEqual(distances(before));
    }),
  );
});
