import { formatBytes, MirrorpointError } from '../base/index.ts';
import type { RateLimitSettings, RateWindowSetting } from '../contract/index.ts';
import { minuteOfDay, overlapOf, rateAt, type RateLimits, type RateWindow } from '../replication/index.ts';

/** With less, a message of a few blocks would hold up the next for minutes. */
const bytesPerSecondMin = 16 * 1024;

export const noLimits: RateLimitSettings = { windows: [] };

/** The limit at a moment, in bytes per second, or undefined when there is none. */
export function rateNow(settings: RateLimitSettings, at: { wallMs: number; utcOffsetMinutes: number }): number | undefined {
  return rateAt(limitsOf(settings), minuteOfDay(at.wallMs, at.utcOffsetMinutes));
}

/** What is wrong with limits, or undefined. */
export function faultInLimits(settings: RateLimitSettings): string | undefined {
  for (const { bytesPerSecond } of [settings, ...settings.windows]) {
    if (bytesPerSecond === undefined || bytesPerSecond >= bytesPerSecondMin) continue;
    return `A limit of ${bytesPerSecond} bytes per second is less than the least, ${formatBytes(bytesPerSecondMin)}. To send nothing for a while, use \`mirrorpoint pause\`.`;
  }
  const empty = settings.windows.find(({ from, to }) => from === to);
  if (empty !== undefined) return `The time from ${empty.from} to ${empty.to} is none. For the whole day set a limit without a time.`;
  const { windows } = limitsOf(settings);
  const overlap = overlapOf(windows);
  if (overlap === undefined) return undefined;
  const [one, other] = overlap.map((window) => nameOf(settings.windows[windows.indexOf(window)]!));
  return `The times ${one} and ${other} overlap, so that it is not clear which limit holds. Give times that do not.`;
}

/** Throws `argument-invalid` for limits that cannot hold. */
export function checkLimits(settings: RateLimitSettings): void {
  const fault = faultInLimits(settings);
  if (fault !== undefined) throw new MirrorpointError('argument-invalid', fault);
}

function limitsOf({ bytesPerSecond, windows }: RateLimitSettings): RateLimits {
  return { bytesPerSecond, windows: windows.map((one): RateWindow => ({ fromMinute: minuteOf(one.from), toMinute: minuteOf(one.to), bytesPerSecond: one.bytesPerSecond })) };
}

/** Minutes since midnight of HH:MM. */
function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function nameOf({ from, to }: RateWindowSetting): string {
  return `${from}-${to}`;
}
