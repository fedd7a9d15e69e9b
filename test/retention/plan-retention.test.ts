import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import {
  faultInRules,
  type KeepRules,
  lastCommonCps,
  lastGoodCp,
  periods,
  planRetention,
  type RetainedSnapshot,
} from '../../src-main/retention/index.ts';
import { testSeed } from '../seed.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 0, 1);
const none: KeepRules = { keepAllForMs: 0, last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const unknown = { mirrorCps: [], damagedCps: new Set<number>() };

function automatic(cp: number, wallMs: number): RetainedSnapshot {
  return { name: `auto-${cp}`, cp, wallMs, isHeld: false, isAutomatic: true };
}

/** One for each time, with CPs from 1. */
function taken(times: readonly number[]): RetainedSnapshot[] {
  return times.map((wallMs, index) => automatic(index + 1, wallMs));
}

function keptOf(snapshots: readonly RetainedSnapshot[], rules: KeepRules, nowMs: number): RetainedSnapshot[] {
  return planRetention(snapshots, rules, { ...unknown, nowMs }).flatMap(({ snapshot, reasons }) => (reasons.length > 0 ? [snapshot] : []));
}

function randomRules(random: SeededRandom): KeepRules {
  const some = (limit: number): number => (random.chance(0.5) ? random.below(limit) : 0);
  return { keepAllForMs: some(3) * hourMs, last: some(4), hourly: some(25), daily: some(8), weekly: some(5), monthly: some(13), yearly: some(4) };
}

describe('the rules', () => {
  it('keep everything of a time, then the newest of each hour, day, week, month and year', () => {
    const quarters = Array.from({ length: 400 * 96 }, (_, index) => start + (index + 1) * 15 * minuteMs - 1);
    const rules = { ...none, keepAllForMs: 2 * hourMs, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3 };
    const nowMs = quarters.at(-1)!;
    const verdicts = planRetention(taken(quarters), rules, { ...unknown, nowMs });
    const timesFor = (reason: string): string[] =>
      verdicts.flatMap(({ snapshot, reasons }) => ((reasons as string[]).includes(reason) ? [new Date(snapshot.wallMs).toISOString()] : []));
    expect(new Date(nowMs).toISOString()).toBe('2027-02-04T23:59:59.999Z');
    expect(timesFor('newest')).toEqual(['2027-02-04T23:59:59.999Z']);
    expect(timesFor('recent')).toHaveLength(9);
    expect(timesFor('hourly')).toHaveLength(24);
    expect(timesFor('hourly').every((time) => time.includes(':59:59'))).toBe(true);
    expect(timesFor('daily').map((time) => time.slice(0, 13))).toEqual(
      ['01-29', '01-30', '01-31', '02-01', '02-02', '02-03', '02-04'].map((day) => `2027-${day}T23`),
    );
    // Sundays, and the day on which the running week has come.
    expect(timesFor('weekly').map((time) => time.slice(0, 10))).toEqual(['2027-01-17', '2027-01-24', '2027-01-31', '2027-02-04']);
    expect(timesFor('monthly').map((time) => time.slice(0, 10))).toEqual([
      '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30', '2026-07-31', '2026-08-31',
      '2026-09-30', '2026-10-31', '2026-11-30', '2026-12-31', '2027-01-31', '2027-02-04',
    ]);
    expect(timesFor('yearly').map((time) => time.slice(0, 10))).toEqual(['2026-12-31', '2027-02-04']);
  });

  it('leave the same whether they are applied after each snapshot or once at the end (100 histories)', () => {
    for (let seed = testSeed; seed < testSeed + 100; seed++) {
      const random = new SeededRandom(seed);
      const rules = randomRules(random);
      let nowMs = start;
      const all: RetainedSnapshot[] = [];
      let kept: RetainedSnapshot[] = [];
      for (let cp = 1; cp <= 150; cp++) {
        nowMs += random.below(random.pick([hourMs, hourMs, dayMs, 40 * dayMs]));
        all.push(automatic(cp, nowMs));
        kept = keptOf([...kept, all.at(-1)!], rules, nowMs);
      }
      expect(kept, `seed ${seed}`).toEqual(keptOf(all, rules, nowMs));
    }
  });

  it('never let a newer snapshot go for an older one, whatever the clock did (100 histories)', () => {
    for (let seed = testSeed; seed < testSeed + 100; seed++) {
      const random = new SeededRandom(seed);
      const rules = randomRules(random);
      let wallMs = start;
      const snapshots = taken(
        Array.from({ length: 100 }, () => {
          wallMs = Math.max(0, wallMs + random.below(6 * hourMs));
          if (random.chance(0.1)) wallMs = Math.max(0, wallMs + (random.next() - 0.5) * random.pick([hourMs, 40 * dayMs, 60 * 365 * dayMs]));
          return Math.floor(random.chance(0.05) ? random.next() * 4e12 : wallMs);
        }),
      );
      const nowMs = random.chance(0.2) ? random.next() * 4e12 : wallMs;
      const verdicts = planRetention(snapshots, rules, { ...unknown, nowMs });
      expect(verdicts.at(-1)?.reasons, `seed ${seed}`).toContain('newest');
      for (let back = 1; back <= rules.last; back++) expect(verdicts.at(-back)?.reasons, `seed ${seed}`).toContain('last');
      for (const period of periods) {
        const keptCps = verdicts.flatMap(({ snapshot, reasons }) => (reasons.includes(period) ? [snapshot.cp] : []));
        expect(keptCps.length, `seed ${seed}`).toBeLessThanOrEqual(rules[period]);
        // The newest of all stands for its own period, so nothing newer than what a rule keeps goes without a newer one in its place.
        if (rules[period] > 0) expect(keptCps.at(-1), `seed ${seed}`).toBe(snapshots.length);
      }
      // What is recent is a stretch of the newest CPs without a gap.
      const recent = verdicts.map(({ reasons }) => reasons.includes('recent'));
      expect(recent.lastIndexOf(false), `seed ${seed}`).toBeLessThan(recent.includes(true) ? recent.indexOf(true) : Infinity);
    }
  });

  it('keep as many when the clock was corrected once, by any amount (100 histories)', () => {
    for (let seed = testSeed; seed < testSeed + 100; seed++) {
      const random = new SeededRandom(seed);
      const times = Array.from({ length: 2000 }, (_, index) => start + index * 15 * minuteMs);
      const stepAt = random.below(times.length);
      const stepMs = Math.floor((random.next() - 0.5) * random.pick([hourMs, 10 * dayMs, 50 * 365 * dayMs]));
      const seen = times.map((time, index) => (index < stepAt ? time + stepMs : time));
      const rules = { ...none, hourly: 24, daily: 14 };
      const nowMs = times.at(-1)!;
      const difference = keptOf(taken(times), rules, nowMs).length - keptOf(taken(seen), rules, nowMs).length;
      expect(Math.abs(difference), `seed ${seed}`).toBeLessThanOrEqual(2);
    }
  });

  it('take nothing that a person made or holds, and not the newest, even when they keep nothing', () => {
    const [first, second, third] = taken([start, start + hourMs, start + 2 * hourMs]);
    const snapshots = [{ ...first!, isAutomatic: false }, { ...second!, isHeld: true }, third!, automatic(4, start + 3 * hourMs), automatic(5, start + 4 * hourMs)];
    const verdicts = planRetention(snapshots, none, { ...unknown, nowMs: start + dayMs });
    expect(verdicts.map(({ reasons }) => reasons)).toEqual([['by-hand'], ['held'], [], [], ['last-good', 'newest']]);
  });

  it('take neither the newest that each mirror has too nor the newest that is not known to be damaged', () => {
    const snapshots = taken([1, 2, 3, 4, 5, 6].map((hour) => start + hour * hourMs));
    const known = { mirrorCps: [2, 5, 0], damagedCps: new Set([4, 5, 6]), nowMs: start + dayMs };
    const verdicts = planRetention(snapshots, none, known);
    expect(verdicts.map(({ reasons }) => reasons)).toEqual([[], ['last-common'], ['last-good'], [], ['last-common'], ['newest']]);
  });

  it('that keep nothing, or nothing until the next one, are refused with what to write instead', () => {
    expect(faultInRules(hourMs, none)).toContain('keeps nothing');
    expect(faultInRules('cp', none)).toContain('keeps nothing');
    expect(faultInRules(dayMs, { ...none, keepAllForMs: hourMs })).toContain('until the next');
    expect(faultInRules('cp', { ...none, keepAllForMs: hourMs })).toBe(undefined);
    expect(faultInRules(dayMs, { ...none, keepAllForMs: dayMs })).toBe(undefined);
    expect(faultInRules(dayMs, { ...none, yearly: 1 })).toBe(undefined);
  });
});

describe('the guards', () => {
  it('find the newest snapshot at or below what a mirror has', () => {
    expect([...lastCommonCps([2, 4, 8], [3])]).toEqual([2]);
    expect([...lastCommonCps([2, 4, 8], [8, 100, 5])]).toEqual([8, 4]);
    expect([...lastCommonCps([2, 4, 8], [1, 0])]).toEqual([]);
    expect([...lastCommonCps([], [5])]).toEqual([]);
  });

  it('find the newest snapshot that is not damaged, if there is one', () => {
    expect(lastGoodCp([2, 4, 8], new Set())).toBe(8);
    expect(lastGoodCp([2, 4, 8], new Set([8]))).toBe(4);
    expect(lastGoodCp([2], new Set([2]))).toBe(undefined);
  });
});
