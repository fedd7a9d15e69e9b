import { z } from 'zod';
import { rootChoiceSchema } from './place.ts';
import { attributesSchema, listedEntrySchema } from './schemas.ts';

/** A state of a volume in a list of states: what it is called, and when it was. */
export const stateMarkSchema = z.object({
  at: rootChoiceSchema,
  /** 0 for the live state, which belongs to no CP yet. */
  cp: z.int(),
  wallMs: z.number(),
});
export type StateMark = z.infer<typeof stateMarkSchema>;

/** What a path was in a run of states that follow each other without a change of it. */
export const fileVersionSchema = z.object({
  /** Left out where the path was not there. */
  entry: attributesSchema.optional(),
  newest: stateMarkSchema,
  oldest: stateMarkSchema,
  /** How many states have it so. */
  stateCount: z.int(),
  /** The states go on with the last version of the answer before, and belong to it. */
  isContinued: z.boolean().optional(),
});
export type FileVersion = z.infer<typeof fileVersionSchema>;

/** An entry that a folder had once and has no more. */
export const deletedEntrySchema = z.object({ entry: listedEntrySchema, last: stateMarkSchema });
export type DeletedEntry = z.infer<typeof deletedEntrySchema>;

export const searchMatchSchema = z.object({
  path: z.string(),
  entry: listedEntrySchema,
  /** The newest of the states in a row that have it under this path. */
  state: stateMarkSchema,
});
export type SearchMatch = z.infer<typeof searchMatchSchema>;

export const stateDifferenceSchema = z.object({
  /** `renamed` also where the file was moved to another folder; its content may have changed as well. */
  what: z.enum(['added', 'changed', 'removed', 'renamed']),
  /** In the newer state, or in the older one when it was removed. */
  path: z.string(),
  /** Where a renamed one was; left out where that was not found. */
  from: z.string().optional(),
  before: attributesSchema.optional(),
  after: attributesSchema.optional(),
});
export type StateDifference = z.infer<typeof stateDifferenceSchema>;
