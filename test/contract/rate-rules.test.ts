import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultInLimits, minuteOfTime, overlapOf } from '../../src-main/contract/index.ts';

const minutesPerDay = 24 * 60;
const twoDigits = (value: number): string => String(value).padStart(2, '0');
const time = fc.integer({ min: 0, max: minutesPerDay - 1 }).map((minute) => `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`);

/** The minutes of the day that a window has, counted one by one from its start. */
function minutesOf({ from, to }: { from: string; to: string }): number[] {
  const minutes: number[] = [];
  for (let minute = minuteOfTime(from); minute !== minuteOfTime(to); minute = (minute + 1) % minutesPerDay) minutes.push(minute);
  return minutes;
}

test('windows that share a minute are found, whichever way they overlap', () => {
  const window = fc.record({ from: time, to: time }).filter(({ from, to }) => from !== to);
  fc.assert(
    fc.property(fc.array(window, { maxLength: 4 }), (windows) => {
      const claimed = windows.flatMap(minutesOf);
      expect(overlapOf(windows) !== undefined).toBe(new Set(claimed).size < claimed.length);
    }),
  );
});

test('limits that cannot hold are refused with their reason', () => {
  expect(faultInLimits({ bytesPerSecond: 2 << 20, windows: [{ from: '08:00', to: '18:00', bytesPerSecond: 1 << 20 }, { from: '22:00', to: '06:00' }] })).toBeUndefined();
  expect(faultInLimits({ bytesPerSecond: 10, windows: [] })).toMatch(/10 bytes per second is less than the least, 16.0 KiB/);
  expect(faultInLimits({ windows: [{ from: '08:00', to: '08:00' }] })).toMatch(/08:00 to 08:00 is none/);
  expect(faultInLimits({ windows: [{ from: '08:00', to: '18:00' }, { from: '17:59', to: '19:00' }] })).toMatch(/08:00-18:00 and 17:59-19:00 overlap/);
});
