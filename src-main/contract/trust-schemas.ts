import { z } from 'zod';
import { roleSchema } from './schemas.ts';

/** A server that was paired with this one. */
export const peerSchema = z.object({
  /** The SHA-256 of its certificate, 64 hex digits. */
  identity: z.string(),
  name: z.string(),
  /** What it is to this server: the primary that is mirrored here, the mirror of volumes from here, or both. */
  roles: z.array(roleSchema),
  pairedWallMs: z.number(),
  /** When it was revoked; it is refused since. */
  revokedWallMs: z.number().optional(),
});
export type Peer = z.infer<typeof peerSchema>;

/** A server in the local network that has an invitation open. What it says is not proven. */
export const nearbyServerSchema = z.object({ name: z.string(), identity: z.string(), addresses: z.array(z.string()).max(8) });
export type NearbyServer = z.infer<typeof nearbyServerSchema>;

/** What happens while two servers pair, on either side. */
export const pairingEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('invitation'),
    /** The line to hand over. Whoever has it may ask to pair. */
    text: z.string(),
    identity: z.string(),
    addresses: z.array(z.string()),
    expiresWallMs: z.number(),
  }),
  z.object({
    type: z.literal('question'),
    /** To be given back with the answer; no answer is a no. */
    questionId: z.string(),
    identity: z.string(),
    name: z.string(),
    /** Where the other server is. */
    remote: z.string(),
    /** What the other server would be to this one. */
    role: roleSchema,
  }),
  z.object({ type: z.literal('waiting') }),
  z.object({ type: z.literal('paired'), peer: peerSchema }),
]);
export type PairingEvent = z.infer<typeof pairingEventSchema>;
