import { z } from 'zod';
import { historySamplesMax } from './limits.ts';

/** How far back: the last hour in steps of 10 s, day in steps of 5 min, week in steps of 30 min. */
export const historySpanSchema = z.enum(['hour', 'day', 'week']);
export type HistorySpan = z.infer<typeof historySpanSchema>;

/** A relationship in one step; what was not measured, because no server ran, has no sample. */
export const relationshipSampleSchema = z.object({
  /** When the step began. */
  wallMs: z.number(),
  /** The largest in the step; left out where it was not known here how far the mirror is. */
  lagMs: z.number().optional(),
  lagBytes: z.number().optional(),
  /** Means over what was measured of the step. */
  sentPerSecond: z.number(),
  receivedPerSecond: z.number(),
});
export type RelationshipSample = z.infer<typeof relationshipSampleSchema>;

export const relationshipHistorySchema = z.object({
  stepMs: z.int(),
  samples: z.array(relationshipSampleSchema).max(historySamplesMax),
});
export type RelationshipHistory = z.infer<typeof relationshipHistorySchema>;

/** The CPs that ended in one step; a step without a CP has no sample. */
export const cpSampleSchema = z.object({
  wallMs: z.number(),
  count: z.int(),
  durationMsMean: z.number(),
  durationMsMax: z.number(),
  bytes: z.number(),
});
export type CpSample = z.infer<typeof cpSampleSchema>;

export const cpHistorySchema = z.object({ stepMs: z.int(), samples: z.array(cpSampleSchema).max(historySamplesMax) });
