import { z } from 'zod';

/** How much may be kept for a mirror: so many bytes, or a share of the volume. */
export const holdCapSchema = z.union([z.strictObject({ bytes: z.number() }), z.strictObject({ percent: z.number() })]);
export type HoldCap = z.infer<typeof holdCapSchema>;

/** A base that was given up on purpose, and has not been replaced yet. */
export const baseDroppedSchema = z.object({
  /** The CP that was kept. */
  cp: z.int(),
  wallMs: z.number(),
  heldBytes: z.number(),
  /** Why: it cost more than its cap, writers found no room, or an administrator asked for it. */
  why: z.enum(['cap', 'full', 'request']),
});
export type BaseDropped = z.infer<typeof baseDroppedSchema>;

/** What is kept for a mirror, as status and `hold show` tell it. */
export const holdStatusSchema = z.object({
  heldBytes: z.number(),
  /** The CP since which overwritten blocks are kept; 0 when nothing is. */
  heldSinceCp: z.int(),
  /** In force now, set or by default. */
  heldCapBytes: z.number(),
  /** The cap that was set. */
  holdCap: holdCapSchema.optional(),
  baseDropped: baseDroppedSchema.optional(),
});
export type HoldStatus = z.infer<typeof holdStatusSchema>;

export const snapshotSpaceSchema = z.object({
  names: z.array(z.string()),
  cp: z.int(),
  wallMs: z.number(),
  /** Labels of those who forbid deleting it. */
  holds: z.array(z.string()),
  /** What nothing else needs: dropping it alone frees so much. */
  uniqueBytes: z.number(),
});
export type SnapshotSpace = z.infer<typeof snapshotSpaceSchema>;

/** Who keeps overwritten blocks without a snapshot's name. */
export const holderSchema = z.object({
  kind: z.enum(['mirror', 'readers']),
  /** Of a mirror: where it is, and its name when it has said it. */
  address: z.string().optional(),
  peerName: z.string().optional(),
  bytes: z.number(),
  sinceCp: z.int(),
  capBytes: z.number().optional(),
});
export type Holder = z.infer<typeof holderSchema>;

/** Where the room of a volume is, as of one CP. */
export const spaceReportSchema = z.object({
  volume: z.string(),
  cp: z.int(),
  sizeBytes: z.number(),
  usedBytes: z.number(),
  /** Used by the files as they are, and by the volume's own maps. */
  liveBytes: z.number(),
  /** Used by snapshots, mirrors and readers alone. */
  keptBytes: z.number(),
  freeBytes: z.number(),
  snapshots: z.array(snapshotSpaceSchema),
  /** There are more snapshots, with CPs above the last one's. */
  more: z.boolean(),
  holders: z.array(holderSchema),
});
export type SpaceReport = z.infer<typeof spaceReportSchema>;
