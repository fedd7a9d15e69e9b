import { z } from 'zod';
import { collisionsMax, restorePathsMax } from './limits.ts';
import { rootChoiceSchema, volumeNameSchema, volumePathSchema } from './place.ts';
import { attributesSchema } from './schemas.ts';

/** Files and folders of one state of a volume, here or on a paired server. */
export const restoreSourceSchema = z.object({
  volume: volumeNameSchema,
  at: rootChoiceSchema,
  paths: z.array(volumePathSchema).min(1).max(restorePathsMax),
  /** The paired server that has the volume; left out: this one. */
  peer: z.string().min(1).optional(),
  /** Where that server is, unless a link of a volume tells. */
  address: z.string().min(1).optional(),
});
export type RestoreSource = z.infer<typeof restoreSourceSchema>;

/** Where to: into the live state of a volume, or into a folder of this machine. Each path goes into the folder under its own name. */
export const restoreTargetSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('volume'),
    volume: volumeNameSchema,
    /** Left out: each path goes to where it was, in folders that are made when they are missing. */
    folder: volumePathSchema.optional(),
  }),
  z.object({ kind: z.literal('local'), folder: z.string().min(1) }),
]);
export type RestoreTarget = z.infer<typeof restoreTargetSchema>;

/** What to do where something of the name is there already. Folders are merged. */
export const collisionChoiceSchema = z.enum(['keep-both', 'replace', 'skip']);
export type CollisionChoice = z.infer<typeof collisionChoiceSchema>;

export const collisionSchema = z.object({
  /** In the source. */
  path: z.string(),
  /** In the target. */
  target: z.string(),
  incoming: attributesSchema.pick({ kind: true, sizeBytes: true, modifiedNs: true }),
  existing: attributesSchema.pick({ kind: true, sizeBytes: true, modifiedNs: true }),
});
export type Collision = z.infer<typeof collisionSchema>;

/** What a restore would do. What is there already, the same by size and time, is not counted; what collides is. */
export const restorePreviewSchema = z.object({
  files: z.int(),
  directories: z.int(),
  bytes: z.number(),
  /** Not everything was looked at: the counts, and the list of collisions, are of a part. */
  isPart: z.boolean(),
  collisions: z.array(collisionSchema).max(collisionsMax),
  /** Room in the target, in bytes. */
  freeBytes: z.number(),
});
export type RestorePreview = z.infer<typeof restorePreviewSchema>;

export const restoreRequestSchema = z.object({
  source: restoreSourceSchema,
  target: restoreTargetSchema,
  /** For every collision without a choice of its own. */
  collisions: collisionChoiceSchema,
  /** For the collisions at these paths of the source, or below them. */
  choices: z.array(z.object({ path: volumePathSchema, choice: collisionChoiceSchema })).max(collisionsMax).default([]),
});
export type RestoreRequest = z.infer<typeof restoreRequestSchema>;
