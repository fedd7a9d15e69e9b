import { formatBytes, formatTime, type Verdict } from '../../src-main/contract/index.ts';
import { locale } from './locale.ts';

const whenFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
const countFormat = new Intl.NumberFormat(locale);

/** A moment in the time of this machine; the day is left out when it is today's. */
export function formatWhen(wallMs: number, options: { nowMs?: number } = {}): string {
  if (wallMs === 0) return '–';
  const at = new Date(wallMs);
  const isToday = options.nowMs !== undefined && at.toDateString() === new Date(options.nowMs).toDateString();
  return (isToday ? timeFormat : whenFormat).format(at);
}

/** The same in UTC, for those who compare machines. */
export function formatWhenUtc(wallMs: number): string {
  return wallMs === 0 ? '' : `${formatTime(wallMs).replace('T', ' ').replace('Z', '')} UTC`;
}

export function formatCount(count: number): string {
  return countFormat.format(count);
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** A count with its word: `1 file`, `2 files`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** What the levels of a verdict are called. */
export const levelLabels: Readonly<Record<Verdict['level'], string>> = {
  good: 'In order',
  working: 'Working',
  attention: 'Needs attention',
  problem: 'Problem',
};
