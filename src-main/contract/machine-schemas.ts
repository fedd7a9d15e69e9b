import { z } from 'zod';
import { folderEntriesMax } from './limits.ts';

/** A drive of this machine, and why it may or may not be taken for a volume. */
export const driveSchema = z.object({
  path: z.string(),
  /** The path of the disk that it is a partition of. */
  partOf: z.string().optional(),
  /** Empty where the drive does not say. */
  model: z.string(),
  serial: z.string().optional(),
  sizeBytes: z.number(),
  /** How it is attached, such as `usb`, `nvme` or `loop`. */
  connection: z.string(),
  /** What is on it: file systems, partitions, a volume. Empty for a blank one. */
  contents: z.array(z.string()),
  /**
   * - `free`: blank
   * - `content`: holds something, which would be erased
   * - `mounted`: in use by the system or by another program
   * - `system`: holds what this machine runs from
   * - `volume`: belongs to a volume of this server
   */
  use: z.enum(['free', 'content', 'mounted', 'system', 'volume']),
  /** Why it cannot be taken, in a sentence; left out where it can. */
  refusal: z.string().optional(),
  /** What has to be typed before it is erased: its serial number, model or path. */
  confirmation: z.string(),
  /** Stands for this drive with this content: given with the order to erase it, and compared again then. Empty where it cannot be taken. */
  token: z.string(),
});
export type Drive = z.infer<typeof driveSchema>;

/** A folder of this machine, for choosing where an image or restored files go. */
export const machineFolderSchema = z.object({
  /** Absolute. */
  path: z.string(),
  parent: z.string().optional(),
  /** Folders first, sorted by name; links as what they lead to, hidden ones too. `path` is absolute. */
  entries: z.array(z.object({ name: z.string(), path: z.string(), kind: z.enum(['file', 'directory']), sizeBytes: z.number() })).max(folderEntriesMax),
  /** There are more than are listed. */
  more: z.boolean(),
  /** Of its file system; 0 where that is not known. */
  freeBytes: z.number(),
  isWritable: z.boolean(),
});
export type MachineFolder = z.infer<typeof machineFolderSchema>;

/** From which level on an alert is shown as a notification of the desktop. */
export const notificationLevelSchema = z.enum(['none', 'problem', 'warning']);

export const serverSettingsSchema = z.object({
  serverName: z.string(),
  notifications: notificationLevelSchema,
});
export type ServerSettings = z.infer<typeof serverSettingsSchema>;

export const serverNameSchema = z
  .string()
  .trim()
  .min(1, "a server's name is not empty")
  .max(120, "a server's name has at most 120 characters")
  .refine((name) => !/[\u0000-\u001f\u007f]/.test(name) && name.isWellFormed(), "a server's name has no control characters");
