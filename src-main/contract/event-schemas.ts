import { z } from 'zod';

/** How much it matters: for the record, to be looked at, to be acted on. */
export const levelSchema = z.enum(['info', 'warning', 'problem']);
export type Level = z.infer<typeof levelSchema>;

/**
 * The conditions that are watched.
 *
 * - `lag`: a mirror is older than it may be, or its primary has been silent for so long
 * - `link-down`: a primary has not reached its mirror for a while
 * - `held-space`: a mirror that is away costs much of the primary's room
 * - `base-dropped`: it cost too much, and nothing is kept for it any more
 * - `scrub-errors`: blocks that are wrong and could not be healed
 * - `device-errors`: a device returns errors
 * - `clock-skew`: the clocks of two servers are far apart
 * - `volume-failed`: a volume is not served
 * - `handing-over`: a primary takes no changes, because it is not known whether its mirror leads
 * - `schedule-failed`: the snapshots of a schedule cannot be taken or given up
 * - `follow-failed`: the changes of a followed folder cannot be taken
 */
export const alertKindSchema = z.enum([
  'lag',
  'link-down',
  'held-space',
  'base-dropped',
  'scrub-errors',
  'device-errors',
  'clock-skew',
  'volume-failed',
  'handing-over',
  'schedule-failed',
  'follow-failed',
]);
export type AlertKind = z.infer<typeof alertKindSchema>;

/** A condition that lasts, and that an administrator should know of. */
export const alertSchema = z.object({
  kind: alertKindSchema,
  level: levelSchema,
  /** What it is about, such as `volume work`. */
  subject: z.string(),
  text: z.string(),
  /** What to do. */
  next: z.string(),
  sinceWallMs: z.number(),
});
export type Alert = z.infer<typeof alertSchema>;

/** What tells an alert from all others. */
export function alertKey({ kind, subject }: Pick<Alert, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

/** Where the console shows an alert, or what became of it: a path of its router. */
export function alertPath(alert: Pick<Alert, 'kind' | 'subject'>): string {
  return `/activity?alert=${encodeURIComponent(alertKey(alert))}`;
}

/** Something that happened. */
export const eventSchema = z.object({
  /** Rises by one from event to event, across restarts. */
  id: z.int(),
  wallMs: z.number(),
  level: levelSchema,
  subject: z.string(),
  text: z.string(),
  next: z.string().optional(),
  /** Of an alert: which it is, and whether it began or ended. */
  alert: z.object({ kind: alertKindSchema, phase: z.enum(['raised', 'cleared']) }).optional(),
});
export type ServerEvent = z.infer<typeof eventSchema>;
