import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultInLimits, type RateLimitSettings, scheduleSchema } from '../../src-main/contract/index.ts';
import { everyWords, intervalStopsMs, nearestStop, timeWords } from '../../src-renderer/components/interval-stops.ts';
import { bandsOf, barHeight, hoursWords, isHourly, limitsOfDay, ratesOfDay, withRate } from '../../src-renderer/views/schedule/day-bands.ts';
import { carriedWords, intervalMeaning } from '../../src-renderer/views/schedule/interval-words.ts';
import { parseLagLimit } from '../../src-renderer/views/schedule/lag-limit.ts';
import { draftOf, firstDraft, keepWords, readRetention, verdictWords } from '../../src-renderer/views/schedule/retention-draft.ts';

const someRate = fc.oneof(fc.constant(undefined), fc.constantFrom(1 << 20, 2 << 20, 5 << 20));
const someDay = fc.array(someRate, { minLength: 24, maxLength: 24 });

describe('the hours of a day', () => {
  it('become limits that the server takes, and that say the same', () => {
    fc.assert(
      fc.property(someDay, (rates) => {
        const limits = limitsOfDay(rates);
        expect(ratesOfDay(limits)).toEqual(rates);
        expect(faultInLimits(limits)).toBeUndefined();
        expect(isHourly(limits)).toBe(true);
      }),
    );
  });

  it('over midnight are one window', () => {
    const night = withRate(withRate(Array<undefined>(24).fill(undefined), { from: 22, to: 23 }, 1 << 20), { from: 5, to: 0 }, 1 << 20);
    expect(limitsOfDay(night)).toEqual({ windows: [{ from: '22:00', to: '06:00', bytesPerSecond: 1 << 20 }] });
  });

  it('are read from windows to the minute by their beginnings', () => {
    const limits: RateLimitSettings = { bytesPerSecond: 9, windows: [{ from: '08:30', to: '10:00', bytesPerSecond: 3 }, { from: '23:00', to: '01:00' }] };
    const rates = ratesOfDay(limits);
    expect([rates[0], rates[1], rates[8], rates[9], rates[10], rates[23]]).toEqual([undefined, 9, 9, 3, 9, undefined]);
    expect(isHourly(limits)).toBe(false);
  });

  it('are told in runs, the whole day in one where nothing differs', () => {
    expect(bandsOf(Array<undefined>(24).fill(undefined))).toEqual([{ from: 0, to: 24, rate: undefined }]);
    expect(bandsOf(withRate(Array<undefined>(24).fill(undefined), { from: 8, to: 17 }, 5)).map(hoursWords)).toEqual(['00:00 to 08:00', '08:00 to 18:00', '18:00 to 24:00']);
  });

  it('stand the higher the more is allowed', () => {
    const rates = [1, 10, 100, undefined];
    const heights = rates.map((rate) => barHeight(rate, rates));
    expect(heights).toEqual([...heights].sort((one, other) => one - other));
    expect([heights[0]! > 0, heights[3]]).toEqual([true, 1]);
  });
});

describe('the rules of a schedule', () => {
  it('are read as they are written, and back', () => {
    const count = fc.nat(100);
    const schedule = fc.record({
      everyMs: fc.oneof(fc.constant('cp' as const), fc.constantFrom(60_000, 900_000, 3_600_000, 86_400_000)),
      keep: fc.record({ keepAllForMs: fc.constantFrom(0, 7_200_000, 86_400_000), last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count }),
    });
    fc.assert(
      fc.property(schedule, (given) => {
        const { keep, everyMs, faults } = readRetention(draftOf(given));
        expect({ everyMs, keep }).toEqual(given);
        expect(faults).toEqual({});
        expect(scheduleSchema.safeParse({ everyMs, keep }).success).toBe(true);
      }),
    );
  });

  it('that are offered first are taken', () => {
    const { keep, everyMs, faults } = readRetention(firstDraft);
    expect([faults, scheduleSchema.safeParse({ keep, everyMs }).success]).toEqual([{}, true]);
    expect(keepWords(keep!)).toBe('all of the last 2h, 24 hourly, 7 daily, 4 weekly, 12 monthly, 3 yearly');
  });

  it('are refused field by field, in the words of the contract', () => {
    const read = readRetention({ every: '15', keepAll: 'long', counts: { ...firstDraft.counts, hourly: '-1', daily: '1.5', weekly: 'x', last: '' } });
    expect(read.faults.every).toContain("'15' is no time for a schedule");
    expect(read.faults.keepAll).toContain('no time for a schedule');
    expect(read.faults.hourly).toContain('is not negative; leave the rule out instead');
    expect(read.faults.daily).toContain('is a whole number');
    expect(Object.keys(read.faults).sort()).toEqual(['daily', 'every', 'hourly', 'keepAll', 'weekly']);
    expect([read.keep, read.everyMs]).toEqual([undefined, undefined]);
  });

  it('tell of each snapshot why it stays, or that it goes', () => {
    expect(verdictWords([])).toBe('Goes');
    expect(verdictWords(['daily', 'held'])).toBe('Stays: the day’s, held');
  });
});

describe('the time between CPs', () => {
  it('is found among the stops of the slider', () => {
    for (const [index, ms] of intervalStopsMs.entries()) expect(nearestStop(ms)).toBe(index);
    expect([nearestStop(0), nearestStop(Infinity), nearestStop(7000)]).toEqual([0, intervalStopsMs.length - 1, 2]);
    expect([intervalStopsMs[0], intervalStopsMs.at(-1)]).toEqual([1000, 86_400_000]);
  });

  it('is said in words', () => {
    expect([1000, 30_000, 3_600_000, 86_400_000, 5400].map(timeWords)).toEqual(['1 second', '30 seconds', '1 hour', '1 day', '5.4 seconds']);
    expect([1000, 300_000].map(everyWords)).toEqual(['every second', 'every 5 minutes']);
  });

  it('means how much can be lost, and without a timer that nothing bounds it', () => {
    expect(intervalMeaning(300_000, true).loss).toContain('you can lose up to 5 minutes');
    expect(intervalMeaning(0, false).loss).toContain('There is no timer');
  });

  it('shows what CPs carried only when there were some', () => {
    const record = { cp: 1, cause: 'timer', startedWallMs: 0, dataBlocks: 0, addressBlocks: 0 };
    expect(carriedWords([])).toBeUndefined();
    expect(carriedWords([{ ...record, bytes: 1024, durationMs: 10 }, { ...record, bytes: 3072, durationMs: 30 }])).toBe('The last 2 CPs wrote 2.0 KiB each, in 20 ms, on average.');
  });

  it('has a limit of the lag beside it', () => {
    expect([parseLagLimit('5m'), parseLagLimit(' default ')]).toEqual([{ lagLimitMs: 300_000 }, { lagLimitMs: undefined }]);
    for (const text of ['', '0', 'off', '500ms', '721h', 'soon']) expect(() => parseLagLimit(text), text).toThrow(/Write it like/);
  });
});
