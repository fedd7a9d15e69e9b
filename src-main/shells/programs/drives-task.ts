import { z } from 'zod';

/** Drives and partitions in one list. */
export const drivesMax = 4096;

const pathSchema = z.string().min(1).max(4096);
const wordsSchema = z.string().max(65_536);

/** What the program for drives is to do. */
export const drivesTaskSchema = z.strictObject({
  /** Paths of which is asked to which drives they lead. */
  asked: z.array(pathSchema),
  /** Drives that are not to be touched. */
  spared: z.array(pathSchema),
});
export type DrivesTask = z.infer<typeof drivesTaskSchema>;

const listedDriveSchema = z.strictObject({
  path: pathSchema,
  /** `major:minor`. */
  number: z.string().max(40),
  partOf: pathSchema.optional(),
  model: wordsSchema,
  serial: wordsSchema,
  sizeBytes: z.number().min(0),
  connection: z.string().max(100),
  isReadOnly: z.boolean(),
  holdsSystem: z.boolean(),
  usedBy: wordsSchema.optional(),
});
export type ListedDrive = z.infer<typeof listedDriveSchema>;

/** What the program reports: first the list, then what comes of each question and of each look, as it comes. */
export const drivesReportSchema = z.discriminatedUnion('report', [
  z.strictObject({ report: z.literal('listed'), drives: z.array(listedDriveSchema).max(drivesMax) }),
  /** One of the paths is a block device of that number. */
  z.strictObject({ report: z.literal('leads'), asked: pathSchema, number: z.string().max(40) }),
  z.strictObject({
    report: z.literal('seen'),
    path: pathSchema,
    contents: wordsSchema.optional(),
    volumeId: z.string().regex(/^[0-9a-f]{32}$/).optional(),
    isClaimed: z.boolean(),
    token: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ report: z.literal('unseen'), path: pathSchema, reason: wordsSchema }),
]);
export type DrivesReport = z.infer<typeof drivesReportSchema>;
