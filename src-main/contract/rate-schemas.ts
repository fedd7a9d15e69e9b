import { z } from 'zod';
import { rateWindowsMax } from './limits.ts';

/** Bytes per second. */
const rateSchema = z.int().min(0);

const timeOfDaySchema = z.string().regex(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of day is HH:MM');

/** A part of each day, in the server's local time, with a limit of its own. An end before the start is on the next day. */
export const rateWindowSchema = z.strictObject({
  from: timeOfDaySchema,
  to: timeOfDaySchema,
  /** Left out: no limit. */
  bytesPerSecond: rateSchema.optional(),
});
export type RateWindowSetting = z.infer<typeof rateWindowSchema>;

/** How fast a primary may send to one mirror. */
export const rateLimitsSchema = z.strictObject({
  /** Outside of all windows; left out: no limit. */
  bytesPerSecond: rateSchema.optional(),
  windows: z.array(rateWindowSchema).max(rateWindowsMax).default([]),
});
export type RateLimitSettings = z.infer<typeof rateLimitsSchema>;

export const ratesInForceSchema = z.object({
  limits: rateLimitsSchema,
  /** The limit now; left out: none. */
  bytesPerSecondNow: rateSchema.optional(),
});
export type RatesInForce = z.infer<typeof ratesInForceSchema>;
