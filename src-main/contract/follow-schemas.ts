import { z } from 'zod';
import { jobProblemSchema, jobProgressSchema } from './job-schemas.ts';
import { compareEveryMsMax, compareEveryMsMin, ignoreLineCharsMax, ignoreLinesMax } from './limits.ts';
import { volumeNameSchema, volumePathSchema } from './place.ts';
import { faultSchema } from './schemas.ts';

const everyRule = 'a followed folder is compared in whole every minute to every 366 days';

/** A folder of this machine, and the folder of a volume that is to be like it. */
export const followRequestSchema = z.object({
  /** Absolute. */
  folder: z.string().min(1),
  volume: volumeNameSchema,
  path: volumePathSchema,
  /** Lines as in `.gitignore`; those of the file `.mirrorpointignore` in the folder come after them. */
  ignore: z
    .array(z.string().max(ignoreLineCharsMax, `a line about what is ignored has at most ${ignoreLineCharsMax} characters`))
    .max(ignoreLinesMax, `at most ${ignoreLinesMax} lines say what is ignored`)
    .default([]),
  /** Removes also what the folder never had. */
  exact: z.boolean().default(false),
  compareEveryMs: z.int(everyRule).min(compareEveryMsMin, everyRule).max(compareEveryMsMax, everyRule).default(60 * 60 * 1000),
});
export type FollowRequest = z.infer<typeof followRequestSchema>;

/**
 * How a follow stands.
 *
 * - `comparing`: all of the folder is looked at
 * - `following`: what changes is taken
 * - `waiting`: the volume is no open primary here, or no server runs
 * - `failed`: it cannot go on, and tries again by itself
 */
export const followStateSchema = z.enum(['comparing', 'following', 'waiting', 'failed']);

export const followStatusSchema = followRequestSchema.extend({
  state: followStateSchema,
  /** Why it waits or failed, and what to do. */
  reason: z.string().optional(),
  lastCompareWallMs: z.number().optional(),
  lastCompareMs: z.number().optional(),
  nextCompareWallMs: z.number().optional(),
  /** Names that were told of, or are to be tried again, and are not taken yet. */
  waitingCount: z.int(),
  /** Entries of the volume that were taken from the folder. */
  takenCount: z.int(),
  /** Folders that the system has no watch for: what changes in them is found by the next full compare. */
  unwatchedCount: z.int(),
  faultCount: z.int(),
  /** What could not be taken; the first ones. */
  faults: z.array(faultSchema.extend({ path: z.string() })),
});
export type FollowStatus = z.infer<typeof followStatusSchema>;

/** One thing that a compare would do. Paths are from the followed folder on. */
export const followStepSchema = z.object({
  type: z.literal('step'),
  do: z.enum(['make-folder', 'take', 'replace', 'update', 'link', 'move', 'remove']),
  path: z.string(),
  /** Of a move: where it is now. */
  from: z.string().optional(),
  sizeBytes: z.int().optional(),
});
export type FollowStep = z.infer<typeof followStepSchema>;

export const followPreviewEventSchema = z.discriminatedUnion('type', [
  jobProgressSchema,
  jobProblemSchema,
  followStepSchema,
  z.object({ type: z.literal('done'), durationMs: z.number(), problemCount: z.int(), stepCount: z.int(), bytes: z.int() }),
]);
export type FollowPreviewEvent = z.infer<typeof followPreviewEventSchema>;
