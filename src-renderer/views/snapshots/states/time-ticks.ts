import { locale } from '../../../composables/index.ts';
import type { TimeWindow } from './time-marks.ts';

/** A moment that an axis names. */
export interface TimeTick {
  readonly share: number;
  readonly label: string;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Steps of an axis that divide the hour or the day. */
const clockSteps: readonly number[] = [
  ...[second, 5 * second, 15 * second, 30 * second],
  ...[minute, 5 * minute, 15 * minute, 30 * minute],
  ...[hour, 3 * hour, 6 * hour, 12 * hour],
];

/** Steps of whole days and of months, which differ in their length. */
const dayStepsDays: readonly number[] = [1, 2, 7, 14];
const monthSteps: readonly number[] = [1, 3, 6, 12, 24, 60, 120];

const formats = {
  seconds: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  minutes: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
  days: new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }),
  months: new Intl.DateTimeFormat(locale, { month: 'short', year: 'numeric' }),
} as const;

function startOfDay(at: Date, daysLater = 0): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + daysLater);
}

/** Moments from the start on, each made of the one before, to the end of the window. */
function walk(window: TimeWindow, start: Date, next: (at: Date) => Date): number[] {
  const moments: number[] = [];
  for (let at = start; at.getTime() <= window.toMs; at = next(at)) {
    if (at.getTime() >= window.fromMs) moments.push(at.getTime());
  }
  return moments;
}

function ticksByClock(window: TimeWindow, stepMs: number): TimeTick[] {
  const from = new Date(window.fromMs);
  const midnight = startOfDay(from).getTime();
  const start = new Date(midnight + Math.floor((window.fromMs - midnight) / stepMs) * stepMs);
  const format = stepMs < minute ? formats.seconds : formats.minutes;
  return walk(window, start, (at) => new Date(at.getTime() + stepMs)).map((ms) => {
    const isMidnight = ms === startOfDay(new Date(ms)).getTime();
    return tickAt(window, ms, isMidnight ? formats.days : format);
  });
}

function tickAt(window: TimeWindow, ms: number, format: Intl.DateTimeFormat): TimeTick {
  return { share: (ms - window.fromMs) / (window.toMs - window.fromMs), label: format.format(ms) };
}

/** Round moments of a window in local time, as many as fit. */
export function ticksIn(window: TimeWindow, ticksMax: number): TimeTick[] {
  const least = (window.toMs - window.fromMs) / Math.max(1, ticksMax);
  const clockStep = clockSteps.find((step) => step >= least);
  if (clockStep !== undefined) return ticksByClock(window, clockStep);
  const from = new Date(window.fromMs);
  const days = dayStepsDays.find((step) => step * day >= least);
  if (days !== undefined) {
    return walk(window, startOfDay(from), (at) => startOfDay(at, days)).map((ms) => tickAt(window, ms, formats.days));
  }
  const months = monthSteps.find((step) => step * 28 * day >= least) ?? monthSteps.at(-1)!;
  const start = new Date(from.getFullYear(), months >= 12 ? 0 : from.getMonth(), 1);
  return walk(window, start, (at) => new Date(at.getFullYear(), at.getMonth() + months, 1)).map((ms) => tickAt(window, ms, formats.months));
}
