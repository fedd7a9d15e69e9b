const hourMs = 3600 * 1000;
const dayMs = 24 * hourMs;

/** The first Monday of the count of milliseconds: weeks, and runs of a schedule, are counted from it. */
export const firstMondayMs = 4 * dayMs;

/** The kinds of periods of which a number can be kept. */
export const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof periods)[number];

/** How long, and how many of each kind, are kept; 0 where a rule is not used. */
export interface KeepRules extends Readonly<Record<Period, number>> {
  /** Everything of so many milliseconds past. */
  readonly keepAllForMs: number;
  /** The newest so many, by CP. */
  readonly last: number;
}

/** When a schedule takes snapshots: every so many milliseconds, or with each CP that has changes. */
export type RunInterval = number | 'cp';

/** The number of the hour, day, week, month or year, in UTC, that a time lies in. */
export function periodOf(period: Period, timeMs: number): number {
  switch (period) {
    case 'hourly':
      return Math.floor(timeMs / hourMs);
    case 'daily':
      return Math.floor(timeMs / dayMs);
    case 'weekly':
      return Math.floor((timeMs - firstMondayMs) / (7 * dayMs));
    case 'monthly': {
      const date = new Date(timeMs);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    }
    case 'yearly':
      return new Date(timeMs).getUTCFullYear();
  }
}

/** Why rules cannot have been meant, and what to write instead; undefined when they can. */
export function faultInRules(everyMs: RunInterval, keep: KeepRules): string | undefined {
  const counts = keep.last + periods.reduce((sum, period) => sum + keep[period], 0);
  if (counts > 0) return undefined;
  if (keep.keepAllForMs === 0) {
    return 'It keeps nothing. Say how many to keep, for instance 24 hourly and 7 daily ones, or the last 10.';
  }
  if (everyMs !== 'cp' && keep.keepAllForMs < everyMs) {
    return 'It keeps each snapshot for less time than passes until the next. Keep them for longer, or say how many to keep, for instance the last 1.';
  }
  return undefined;
}
