import { formatBytes } from '../base/index.ts';
import type { RateLimitSettings, RateWindowSetting } from './rate-schemas.ts';

/** With less, a message of a few blocks would hold up the next for minutes. */
export const rateBytesPerSecondMin = 16 * 1024;

/** Minutes since midnight of HH:MM. */
export function minuteOfTime(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** The first two windows that share a minute of the day, or undefined. */
export function overlapOf(windows: readonly RateWindowSetting[]): readonly [RateWindowSetting, RateWindowSetting] | undefined {
  for (const [index, one] of windows.entries()) {
    const other = windows.slice(index + 1).find((later) => isWithin(one, later.from) || isWithin(later, one.from));
    if (other !== undefined) return [one, other];
  }
  return undefined;
}

function isWithin({ from, to }: RateWindowSetting, time: string): boolean {
  return from < to ? time >= from && time < to : time >= from || time < to;
}

/** What is wrong with one limit, or undefined. */
export function faultInRate(bytesPerSecond: number | undefined): string | undefined {
  if (bytesPerSecond === undefined || bytesPerSecond >= rateBytesPerSecondMin) return undefined;
  return `A limit of ${bytesPerSecond} bytes per second is less than the least, ${formatBytes(rateBytesPerSecondMin)}. To send nothing for a while, use \`mirrorpoint pause\`.`;
}

/** What is wrong with the time of one window, or undefined. */
export function faultInWindow({ from, to }: RateWindowSetting): string | undefined {
  return from === to ? `The time from ${from} to ${to} is none. For the whole day set a limit without a time.` : undefined;
}

/** What is wrong with limits, or undefined. */
export function faultInLimits(settings: RateLimitSettings): string | undefined {
  const { windows } = settings;
  const fault = [settings, ...windows].map(({ bytesPerSecond }) => faultInRate(bytesPerSecond)).find((why) => why !== undefined) ?? windows.map(faultInWindow).find((why) => why !== undefined);
  if (fault !== undefined) return fault;
  const overlap = overlapOf(windows);
  if (overlap === undefined) return undefined;
  const [one, other] = overlap.map(({ from, to }) => `${from}-${to}`);
  return `The times ${one} and ${other} overlap, so that it is not clear which limit holds. Give times that do not.`;
}
