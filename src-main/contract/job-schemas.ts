import { z } from 'zod';
import { checkResultSchema, faultSchema } from './schemas.ts';

/** How far a job is. Totals are missing while they are not known. */
export const jobProgressSchema = z.object({
  type: z.literal('progress'),
  files: z.int(),
  bytes: z.int(),
  filesTotal: z.int().optional(),
  bytesTotal: z.int().optional(),
  current: z.string().optional(),
});
export type JobProgress = z.infer<typeof jobProgressSchema>;

/** One entry that was left out; the job goes on. */
export const jobProblemSchema = faultSchema.extend({ type: z.literal('problem'), path: z.string() });
export type JobProblem = z.infer<typeof jobProblemSchema>;

const resultFields = z.object({
  type: z.literal('done'),
  durationMs: z.number(),
  problemCount: z.int(),
});

export const copyResultSchema = resultFields.extend({
  files: z.int(),
  directories: z.int(),
  symlinks: z.int(),
  hardLinks: z.int(),
  /** Left alone because size and time are the same. */
  unchanged: z.int(),
  bytes: z.int(),
  /** Of these, bytes of zeros that take no room. */
  holeBytes: z.int(),
});
export type CopyResult = z.infer<typeof copyResultSchema>;

export const copyEventSchema = z.discriminatedUnion('type', [jobProgressSchema, jobProblemSchema, copyResultSchema]);
export type CopyEvent = z.infer<typeof copyEventSchema>;

export const differenceSchema = z.object({
  type: z.literal('difference'),
  path: z.string(),
  /** What differs. */
  what: z.enum(['only-local', 'only-volume', 'kind', 'content', 'size', 'mode', 'owner', 'modified', 'target', 'links']),
  local: z.string().optional(),
  volume: z.string().optional(),
});
export type Difference = z.infer<typeof differenceSchema>;

export const compareResultSchema = resultFields.extend({
  files: z.int(),
  directories: z.int(),
  symlinks: z.int(),
  bytes: z.int(),
  differenceCount: z.int(),
  /** The CP that was compared; 0 for the live state. */
  cp: z.int(),
});
export type CompareResult = z.infer<typeof compareResultSchema>;

export const compareEventSchema = z.discriminatedUnion('type', [
  jobProgressSchema,
  jobProblemSchema,
  differenceSchema,
  compareResultSchema,
]);
export type CompareEvent = z.infer<typeof compareEventSchema>;

export const removeResultSchema = resultFields.extend({ entries: z.int() });
export const removeEventSchema = z.discriminatedUnion('type', [jobProgressSchema, jobProblemSchema, removeResultSchema]);
export type RemoveEvent = z.infer<typeof removeEventSchema>;

/** How far a switch-over is: changes are refused from the first step on, and from the last on there is no way back by itself. */
export const switchOverStepSchema = z.object({
  type: z.literal('step'),
  step: z.enum(['stopping-changes', 'last-cp', 'handing-over']),
  cp: z.int().optional(),
  epoch: z.int().optional(),
});
export type SwitchOverStep = z.infer<typeof switchOverStepSchema>;

export const switchOverEventSchema = z.discriminatedUnion('type', [
  jobProgressSchema,
  jobProblemSchema,
  switchOverStepSchema,
  resultFields.extend({ cp: z.int(), epoch: z.int() }),
]);
export type SwitchOverEvent = z.infer<typeof switchOverEventSchema>;

export const checkEventSchema = z.discriminatedUnion('type', [
  jobProgressSchema,
  jobProblemSchema,
  resultFields.extend(checkResultSchema.shape),
]);
export type CheckEvent = z.infer<typeof checkEventSchema>;

export const replaceDeviceEventSchema = z.discriminatedUnion('type', [
  jobProgressSchema,
  jobProblemSchema,
  resultFields.extend({
    /** Bytes that the old device did not give; they are healed from the other side. */
    unreadableBytes: z.int(),
    /** A scrub has begun, to heal them now. */
    isScrubbing: z.boolean(),
  }),
]);
export type ReplaceDeviceEvent = z.infer<typeof replaceDeviceEventSchema>;

/** What a job does; Activity has a word for each. */
export const jobKindSchema = z.enum(['put', 'get', 'compare', 'remove', 'check', 'replace-device', 'switch-over', 'restore', 'download', 'follow']);
export type JobKind = z.infer<typeof jobKindSchema>;

/** Long work of a server, as anyone who looks at the server sees it. */
export const jobStatusSchema = z.object({
  jobId: z.string(),
  kind: jobKindSchema,
  /** What it works on and where to, in a few words, such as `3 items of work@monday to work:/projects`. */
  subject: z.string(),
  /** The volume that it concerns. */
  volume: z.string().optional(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  startedWallMs: z.number(),
  endedWallMs: z.number().optional(),
  progress: jobProgressSchema.omit({ type: true }),
  /** The present rate; missing while it is not known. */
  bytesPerSecond: z.number().optional(),
  /** At the present rate; missing while that, or the total, is not known. */
  leftMs: z.number().optional(),
  /** It goes on when the window is closed. */
  isDetached: z.boolean(),
  problemCount: z.int(),
  /** The first ones. */
  problems: z.array(jobProblemSchema.omit({ type: true })),
  /** Why it failed. */
  fault: faultSchema.optional(),
  /** What came of it, in a sentence. */
  outcome: z.string().optional(),
});
export type JobStatus = z.infer<typeof jobStatusSchema>;
