import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src-main/contract/index.ts';
import { marksIn, movedTo, risingMoments, wholeWindow, windowOf, zoomed } from '../../src-renderer/views/snapshots/states/time-marks.ts';
import { ticksIn } from '../../src-renderer/views/snapshots/states/time-ticks.ts';

function snapshots(...walls: number[]): Snapshot[] {
  return walls.map((wallMs, index) => ({ name: `s${index}`, cp: index + 1, wallMs, holds: [] }));
}

describe('the time line', () => {
  it('keeps the order of the CPs when a clock was set back', () => {
    expect(risingMoments(snapshots(1000, 5000, 2000, 6000))).toEqual([1000, 5000, 5000, 6000]);
  });

  it('draws snapshots that would lie over each other as one, and every snapshot once', () => {
    const list = snapshots(...Array.from({ length: 5000 }, (_, index) => index * 60_000));
    const moments = risingMoments(list);
    const whole = wholeWindow(moments, 5000 * 60_000);
    const marks = marksIn(whole, { snapshots: list, moments, apart: 0.02 });
    expect(marks.length).toBeLessThanOrEqual(51);
    expect(marks.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index))).toEqual(list.map((_, index) => index));
    expect(marks.every(({ share }, index) => index === 0 || share - marks[index - 1]!.share >= 0.02)).toBe(true);
  });

  it('shows a hold and a state set aside of any that a mark has', () => {
    const [one, two] = snapshots(1000, 1001) as [Snapshot, Snapshot];
    const list = [one, { ...two, holds: [{ label: 'audit' }], isSetAside: true }];
    const moments = risingMoments(list);
    expect(marksIn(wholeWindow(moments, 100_000), { snapshots: list, moments, apart: 0.05 })).toMatchObject([{ first: 0, last: 1, isHeld: true, isSetAside: true }]);
  });

  it('is zoomed around a moment, apart to where marks stand alone, and never beyond the whole', () => {
    const list = snapshots(0, 100_000, 103_000, 1_000_000);
    const moments = risingMoments(list);
    const whole = wholeWindow(moments, 1_000_000);
    const part = zoomed(whole, whole, { aroundMs: 100_000, factor: 0.1 });
    expect(part.toMs - part.fromMs).toBeCloseTo((whole.toMs - whole.fromMs) / 10);
    expect(part.fromMs).toBeLessThan(100_000);
    expect(zoomed(part, whole, { aroundMs: 100_000, factor: 1000 })).toBe(whole);
    const mark = marksIn(whole, { snapshots: list, moments, apart: 0.02 }).find(({ first, last }) => last > first)!;
    expect(marksIn(windowOf(mark, moments, whole), { snapshots: list, moments, apart: 0.02 })).toHaveLength(2);
    const moved = movedTo(part, whole, 1_000_000);
    expect([moved.toMs, moved.toMs - moved.fromMs]).toEqual([1_000_000, part.toMs - part.fromMs]);
  });

  it('names round moments, not more than fit, from seconds to decades', () => {
    const spans = [5_000, 90_000, 3_600_000, 86_400_000, 30 * 86_400_000, 365 * 86_400_000, 20 * 365 * 86_400_000];
    for (const span of spans) {
      const ticks = ticksIn({ fromMs: Date.UTC(2026, 1, 3, 4, 5, 6) - span, toMs: Date.UTC(2026, 1, 3, 4, 5, 6) }, 8);
      expect(ticks.length, String(span)).toBeGreaterThan(1);
      expect(ticks.length, String(span)).toBeLessThanOrEqual(9);
      expect(ticks.every(({ share, label }) => share >= 0 && share <= 1 && label !== '')).toBe(true);
    }
  });
});
