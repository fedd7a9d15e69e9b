import { z } from 'zod';
import { roleSchema } from './schemas.ts';

/** Users of shares, of a whole server and of one share. */
export const shareUsersMax = 256;

/** Addresses at which shares are served. */
export const sharePlacesMax = 8;

export const userNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, "a user's name is 1 to 63 letters, digits, dots, hyphens, underscores and @, and begins with a letter or digit");

export const shareAccessSchema = z.enum(['read', 'write']);
export type ShareAccess = z.infer<typeof shareAccessSchema>;

export const shareUserSchema = z.object({ name: userNameSchema, access: shareAccessSchema });
export type ShareUser = z.infer<typeof shareUserSchema>;

/** Where shares are reached: an address with a certificate of the administrator's own, or without that of the server. Absolute paths. */
export const sharePlaceSchema = z.object({
  address: z.string().min(1),
  certificate: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
});
export type SharePlace = z.infer<typeof sharePlaceSchema>;

export const shareStatusSchema = z.object({
  volume: z.string(),
  role: roleSchema,
  /** Clients can use it now. */
  isServed: z.boolean(),
  users: z.array(shareUserSchema),
  /** What a client is given, one for each address at which shares are served now. */
  addresses: z.array(z.string()),
});
export type ShareStatus = z.infer<typeof shareStatusSchema>;

export const sharesSchema = z.object({
  shares: z.array(shareStatusSchema),
  /** Where the settings have them served, and where that is; without it is not. Left out by the settings: on this machine alone. */
  places: z.array(z.object({ address: z.string(), reachedAt: z.string().optional() })),
});
export type SharesReport = z.infer<typeof sharesSchema>;
