import { MirrorpointError } from '../base/index.ts';
import { faultInLimits, minuteOfTime, type RateLimitSettings } from '../contract/index.ts';
import { minuteOfDay, rateAt, type RateWindow } from '../replication/index.ts';

export const noLimits: RateLimitSettings = { windows: [] };

/** The limit at a moment, in bytes per second, or undefined when there is none. */
export function rateNow({ bytesPerSecond, windows }: RateLimitSettings, at: { wallMs: number; utcOffsetMinutes: number }): number | undefined {
  const parts = windows.map((one): RateWindow => ({ fromMinute: minuteOfTime(one.from), toMinute: minuteOfTime(one.to), bytesPerSecond: one.bytesPerSecond }));
  return rateAt({ bytesPerSecond, windows: parts }, minuteOfDay(at.wallMs, at.utcOffsetMinutes));
}

/** Throws `argument-invalid` for limits that cannot hold. */
export function checkLimits(settings: RateLimitSettings): void {
  const fault = faultInLimits(settings);
  if (fault !== undefined) throw new MirrorpointError('argument-invalid', fault);
}
