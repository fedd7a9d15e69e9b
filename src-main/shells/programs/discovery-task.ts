import { z } from 'zod';

/** Names and addresses of one server that are kept. */
export const addressesMax = 8;

const identitySchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What the program for the local network is to do. */
export const discoveryTaskSchema = z.discriminatedUnion('task', [
  /** To listen for servers that invite. */
  z.strictObject({ task: z.literal('find'), listenMs: z.int().min(1) }),
  /** To say that a server invites at a port, until it is ended. */
  z.strictObject({ task: z.literal('announce'), name: z.string(), identity: identitySchema, port: z.int().min(1).max(65_535) }),
]);
export type DiscoveryTask = z.infer<typeof discoveryTaskSchema>;

/** A server that was heard of. */
export const heardServerSchema = z.strictObject({
  name: z.string().max(1000),
  identity: identitySchema,
  addresses: z.array(z.string().max(255)).max(addressesMax),
});
export type HeardServer = z.infer<typeof heardServerSchema>;
