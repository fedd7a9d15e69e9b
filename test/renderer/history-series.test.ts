import { describe, expect, it } from 'vitest';
import { axisMoments, durationScale, lonelyIndexes, rateScale } from '../../src-renderer/components/chart-options.ts';
import { cpLines, joined, liveSample, relationshipLines } from '../../src-renderer/views/overview/history-series.ts';
import { relationshipOf } from './relationship-of.ts';

const stepMs = 10_000;
const sampleAt = (wallMs: number, lagMs?: number): { wallMs: number; sentPerSecond: number; receivedPerSecond: number; lagMs?: number; lagBytes?: number } => ({
  wallMs,
  sentPerSecond: 1,
  receivedPerSecond: 2,
  ...(lagMs !== undefined && { lagMs, lagBytes: 0 }),
});

describe('the lines of a relationship', () => {
  it('begin where the span begins, and break where nothing was measured', () => {
    const lines = relationshipLines([sampleAt(100_000, 5), sampleAt(110_000, 6), sampleAt(150_000, 7)], { fromMs: 50_000, stepMs });
    expect(lines.moments).toEqual([50_000, 100_000, 110_000, 117_500, 150_000]);
    expect(lines.values.lagMs).toEqual([null, 5, 6, null, 7]);
    expect(lines.values.receivedPerSecond).toEqual([null, 2, 2, null, 2]);
  });

  it('break in the lag alone where only that was not known', () => {
    const lines = relationshipLines([sampleAt(100_000, 5), sampleAt(110_000), sampleAt(120_000, 7)], { fromMs: 100_000 - stepMs, stepMs });
    expect([lines.values.lagMs, lines.values.sentPerSecond]).toEqual([[null, 5, null, 7], [null, 1, 1, 1]]);
  });

  it('leave out what is older than the span, and what does not rise', () => {
    expect(relationshipLines([sampleAt(10), sampleAt(30), sampleAt(30), sampleAt(20)], { fromMs: 20, stepMs }).moments).toEqual([20, 30]);
  });

  it('go on from what was stored with what is told, each moment once', () => {
    const stored = [sampleAt(100_000, 1), sampleAt(110_000, 2)];
    const live = [sampleAt(112_000, 3), sampleAt(120_000, 4), sampleAt(121_000, 5)];
    expect(joined(stored, live, stepMs).map(({ lagMs }) => lagMs)).toEqual([1, 2, 4, 5]);
    expect(joined([], live, stepMs)).toEqual(live);
  });

  it('take up what is told with its lag where that is known', () => {
    expect(liveSample(relationshipOf({ lagMs: 12, lagBytes: 34 }), 7)).toEqual({ wallMs: 7, sentPerSecond: 2048, receivedPerSecond: 100, lagMs: 12, lagBytes: 34 });
    expect(liveSample(relationshipOf({ role: 'mirror', state: 'connecting' }), 7)).toEqual({ wallMs: 7, sentPerSecond: 2048, receivedPerSecond: 100 });
  });

  it('of CPs break only where more time passed than their interval makes', () => {
    const sample = (wallMs: number): { wallMs: number; count: number; durationMsMean: number; durationMsMax: number; bytes: number } => ({ wallMs, count: 1, durationMsMean: 3, durationMsMax: 4, bytes: 5 });
    const samples = [sample(100_000), sample(130_000), sample(300_000)];
    expect(cpLines(samples, { fromMs: 0, stepMs, intervalMs: 30_000 }).values.durationMsMax).toEqual([null, 4, 4, null, 4]);
    expect(cpLines(samples, { fromMs: 0, stepMs, intervalMs: 0 }).values.durationMsMean).toEqual([null, 3, null, 3, null, 3]);
  });
});

describe('a chart', () => {
  it('marks values that no line leads to', () => {
    expect(lonelyIndexes([1, null, 2, 3, null, null, 4, undefined])).toEqual([0, 6]);
    expect(lonelyIndexes([])).toEqual([]);
  });

  it('names hours under a day, and days under a week', () => {
    const at = new Date(2026, 2, 5, 14, 30).getTime() / 1000;
    expect(axisMoments([at], 900)[0]).toMatch(/30/);
    expect(axisMoments([at], 86_400)[0]).toMatch(/5/);
  });

  it('has steps that rise, in units in which they are written plainly', () => {
    for (const { steps } of [durationScale, rateScale]) expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    expect([durationScale.format(20_000), rateScale.format(2 ** 21)]).toEqual(['20 s', '2.0 MiB/s']);
  });
});
