import { formatBytes, type RateLimitSettings, type RateWindowSetting } from '../../../src-main/contract/index.ts';

/** The hours of a day, each with its limit in bytes per second; undefined for none. */
export type DayRates = readonly (number | undefined)[];

const minutesPerHour = 60;
const hoursPerDay = 24;

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * minutesPerHour + Number(time.slice(3));
}

function timeOf(hour: number): string {
  return `${String(hour % hoursPerDay).padStart(2, '0')}:00`;
}

function isIn(window: RateWindowSetting, minute: number): boolean {
  const [from, to] = [minuteOf(window.from), minuteOf(window.to)];
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** The limit in the middle of each minute of an hour, from which it is told whether the hour has one limit. */
function limitAt({ bytesPerSecond, windows }: RateLimitSettings, minute: number): number | undefined {
  const window = windows.find((one) => isIn(one, minute));
  return window === undefined ? bytesPerSecond : window.bytesPerSecond;
}

/** What holds at the beginning of each hour. */
export function ratesOfDay(limits: RateLimitSettings): DayRates {
  return Array.from({ length: hoursPerDay }, (_, hour) => limitAt(limits, hour * minutesPerHour));
}

/** Whether each window begins and ends at a full hour, so that a day of hours says all of it. */
export function isHourly({ windows }: RateLimitSettings): boolean {
  return windows.every(({ from, to }) => from.endsWith(':00') && to.endsWith(':00'));
}

/** The same hours with another limit from one hour to another, both included. */
export function withRate(rates: DayRates, hours: { from: number; to: number }, rate: number | undefined): DayRates {
  const [first, last] = [Math.min(hours.from, hours.to), Math.max(hours.from, hours.to)];
  return rates.map((known, hour) => (hour >= first && hour <= last ? rate : known));
}

/** The limit that most hours have: that of all times outside of windows. */
function commonRate(rates: DayRates): number | undefined {
  const counts = new Map<number | undefined, number>();
  for (const rate of rates) counts.set(rate, (counts.get(rate) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0];
}

/** Limits that say the same as the hours: the most common one for all times, windows for the others; one over midnight is one window. */
export function limitsOfDay(rates: DayRates): RateLimitSettings {
  const common = commonRate(rates);
  const starts = rates.flatMap((rate, hour) => (rate !== common && rates[(hour + hoursPerDay - 1) % hoursPerDay] !== rate ? [hour] : []));
  const windows = starts.map((start): RateWindowSetting => {
    const rate = rates[start];
    let end = start + 1;
    while (end - start < hoursPerDay && rates[end % hoursPerDay] === rate) end++;
    return { from: timeOf(start), to: timeOf(end), ...(rate !== undefined && { bytesPerSecond: rate }) };
  });
  return { windows, ...(common !== undefined && { bytesPerSecond: common }) };
}

export interface Band {
  readonly from: number;
  /** Behind the last hour. */
  readonly to: number;
  readonly rate: number | undefined;
}

/** Runs of hours with one limit, in the order of the day. */
export function bandsOf(rates: DayRates): Band[] {
  const bands: Band[] = [];
  for (const [hour, rate] of rates.entries()) {
    const last = bands.at(-1);
    if (last !== undefined && last.rate === rate) bands[bands.length - 1] = { ...last, to: hour + 1 };
    else bands.push({ from: hour, to: hour + 1, rate });
  }
  return bands;
}

export function rateWords(rate: number | undefined): string {
  return rate === undefined ? 'no limit' : `${formatBytes(rate)}/s`;
}

/** How high the bar of an hour stands, from 0 to 1: by the logarithm, for limits are far apart; without a limit it is full. */
export function barHeight(rate: number | undefined, rates: DayRates): number {
  if (rate === undefined) return 1;
  const all = rates.filter((one) => one !== undefined);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return least === most ? 0.5 : 0.25 + (0.5 * Math.log(rate / least)) / Math.log(most / least);
}

export function hoursWords({ from, to }: { from: number; to: number }): string {
  return `${timeOf(from)} to ${to === hoursPerDay ? '24:00' : timeOf(to)}`;
}
