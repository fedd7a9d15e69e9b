/** A part of each day with a limit of its own. */
export interface RateWindow {
  /** Minutes since midnight, local time: the first one inside, and the first one after. An end before the start is on the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Undefined: no limit. */
  readonly bytesPerSecond?: number | undefined;
}

/** How fast a primary may send to one mirror. */
export interface RateLimits {
  /** Outside of all windows; undefined: no limit. */
  readonly bytesPerSecond?: number | undefined;
  readonly windows: readonly RateWindow[];
}

export const minutesPerDay = 24 * 60;

/** The limit at a minute of the day, in bytes per second, or undefined when there is none. */
export function rateAt(limits: RateLimits, minuteOfDay: number): number | undefined {
  const window = limits.windows.find((one) => isWithin(one, minuteOfDay));
  return (window ?? limits).bytesPerSecond;
}

/** The minute of the day, local time. `utcOffsetMinutes` is what local time is ahead of UTC. */
export function minuteOfDay(wallMs: number, utcOffsetMinutes: number): number {
  const minutes = Math.floor(wallMs / 60_000) + utcOffsetMinutes;
  return ((minutes % minutesPerDay) + minutesPerDay) % minutesPerDay;
}

function isWithin({ fromMinute, toMinute }: RateWindow, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}
