import { z } from 'zod';
import { rootChoiceSchema, volumeNameSchema } from './place.ts';

/** A folder of the server's machine under which a state of a volume is mounted. */
export const mountSchema = z.object({
  /** Absolute. */
  folder: z.string(),
  volume: volumeNameSchema,
  at: rootChoiceSchema,
  isReadOnly: z.boolean(),
  /** 0 for the live state. */
  cp: z.int(),
  mountedWallMs: z.number(),
});
export type Mount = z.infer<typeof mountSchema>;

/** An absolute path, without a slash at its end. */
export const mountFolderSchema = z
  .string()
  .max(4095)
  .refine((path) => /^\/[^\0]*[^\0/]$/.test(path), 'a folder to mount at is an absolute path of this machine, and not its root');
