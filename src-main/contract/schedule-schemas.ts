import { z } from 'zod';
import { scheduleEveryMsMax, scheduleEveryMsMin } from './limits.ts';
import { snapshotSchema } from './schemas.ts';

const count = z
  .int('a count of snapshots to keep is a whole number')
  .min(0, 'a count of snapshots to keep is not negative; leave the rule out instead')
  .max(100_000, 'at most 100,000 snapshots are kept by one rule');

/** How long, and how many of each kind, are kept; 0 where a rule is not used. */
export const keepRulesSchema = z.strictObject({
  /** Everything of so long past. */
  keepAllForMs: z
    .int()
    .min(0, 'a time for which all are kept is not negative; leave the rule out instead')
    .max(scheduleEveryMsMax, 'all are kept for one year at most; keep so many per month and year instead')
    .default(0),
  /** The newest so many. */
  last: count.default(0),
  hourly: count.default(0),
  daily: count.default(0),
  weekly: count.default(0),
  monthly: count.default(0),
  yearly: count.default(0),
});

const intervalRule = 'a schedule runs every minute to every 366 days, or with every CP; `schedule off` ends it';

export const scheduleSchema = z.strictObject({
  /** Runs at the multiples of the interval in UTC, weeks from Monday; or `cp`: every CP that changes files is kept. */
  everyMs: z.union([z.literal('cp'), z.int(intervalRule).min(scheduleEveryMsMin, intervalRule).max(scheduleEveryMsMax, intervalRule)], intervalRule),
  keep: keepRulesSchema,
});
export type Schedule = z.infer<typeof scheduleSchema>;

export const scheduleStatusSchema = z.object({
  schedule: scheduleSchema.optional(),
  /** A schedule waits on a mirror, and without a server. */
  isActive: z.boolean(),
  /** When the last run was; it may have found nothing new to keep. */
  lastRunWallMs: z.number().optional(),
  nextRunWallMs: z.number().optional(),
});
export type ScheduleStatus = z.infer<typeof scheduleStatusSchema>;

/** Why a snapshot stays. */
export const keepReasonSchema = z.enum([
  'by-hand',
  'held',
  'last-common',
  'last-good',
  'newest',
  'recent',
  'last',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
]);

export const judgedSnapshotSchema = snapshotSchema.extend({
  /** Empty for one that goes. */
  reasons: z.array(keepReasonSchema),
});
export type JudgedSnapshot = z.infer<typeof judgedSnapshotSchema>;

/** What rules would leave, or did. Counts are of all snapshots, the list is a page of them. */
export const retentionPreviewSchema = z.object({
  snapshots: z.array(judgedSnapshotSchema),
  more: z.boolean(),
  keptCount: z.int(),
  droppedCount: z.int(),
  /** What comes back when those that go have gone, and no mirror and no reader needs them any more. */
  freedBytes: z.int(),
});
export type RetentionPreview = z.infer<typeof retentionPreviewSchema>;
