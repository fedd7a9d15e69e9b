import { z } from 'zod';

/** Slower than this a scrub would not come to its end in a volume's life. */
export const scrubRateMin = 64 << 10;

/** When a volume is scrubbed by itself, and how fast. */
export const scrubScheduleSchema = z.object({
  /** 0: never by itself. */
  everyDays: z.int().min(0).max(3650).default(30),
  bytesPerSecond: z.int().default(32 << 20),
});
export type ScrubSchedule = z.infer<typeof scrubScheduleSchema>;

/** A pass that is under way: blocks proven, and what became of those that were bad. */
export const scrubPassSchema = z.object({
  startedWallMs: z.number(),
  bytesPerSecond: z.int(),
  verifiedBlocks: z.int(),
  /** Blocks in use, as many as there are to prove, or a few more. */
  usedBlocks: z.int(),
  /** Rewritten from the other side. */
  healedBlocks: z.int(),
  /** Right on the other side, but not to be rewritten here. */
  servedBlocks: z.int(),
  /** Right nowhere. */
  lostBlocks: z.int(),
  /** Copies of the root node and of labels written anew. */
  mendedCopies: z.int(),
  /** At the present limit; missing before anything was read. */
  leftMs: z.number().optional(),
});

export const scrubResultSchema = scrubPassSchema.omit({ usedBlocks: true, bytesPerSecond: true, leftMs: true }).extend({
  endedWallMs: z.number(),
  /** Files and folders that lost something, and the states in which: `live`, `last`, `@SNAPSHOT`, `cp=NUMBER`. */
  files: z.array(z.object({ path: z.string(), states: z.array(z.string()) })),
  /** The volume's own maps that lost something. */
  maps: z.array(z.string()),
});
export type ScrubResult = z.infer<typeof scrubResultSchema>;

export const scrubStatusSchema = z.object({
  volume: z.string(),
  state: z.enum(['idle', 'running', 'paused']),
  schedule: scrubScheduleSchema,
  /** When the next pass begins by itself. */
  nextWallMs: z.number().optional(),
  pass: scrubPassSchema.optional(),
  /** The last pass that came to its end. */
  last: scrubResultSchema.optional(),
  /** What became of bad blocks since the volume was opened, on ordinary reads as well. */
  heals: z.object({ healed: z.int(), served: z.int(), lost: z.int() }),
});
export type ScrubStatus = z.infer<typeof scrubStatusSchema>;
