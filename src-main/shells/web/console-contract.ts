import { type ContractRouterClient, oc } from '@orpc/contract';
import { z } from 'zod';
import { contract, faultErrors } from '../../contract/index.ts';
import { namesMax } from './limits.ts';

const base = oc.errors(faultErrors);
const nothing = z.object({});

const nameSchema = z
  .string()
  .toLowerCase()
  .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$/, "write a name as in a browser's address, without a port");

const farPlaceSchema = z.object({
  address: z.string().min(1),
  /** By which browsers reach it, beside the address itself. */
  names: z.array(nameSchema).max(namesMax),
  /** Absolute paths. Left out: the server's own certificate. */
  certificate: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
});
export type NewFarPlace = z.infer<typeof farPlaceSchema>;

const consoleStatusSchema = z.object({
  /** Where it is served now: to this machine first, then to others. Empty: nowhere. */
  addresses: z.array(z.string()),
  /** Where the settings have it served to other machines, and where that is; without it is not. */
  places: z.array(z.object({ address: z.string(), names: z.array(z.string()), reachedAt: z.string().optional() })),
  isPasswordSet: z.boolean(),
  sessionCount: z.int(),
  /** There is a console to be served. */
  isBuilt: z.boolean(),
});
export type ConsoleStatus = z.infer<typeof consoleStatusSchema>;

/** Who may come into the console, and where: asked over the socket for commands alone, never by a console. */
const consoleContract = {
  status: base.input(nothing).output(consoleStatusSchema),
  /** An address that lets one browser in, once and for a short while. */
  launch: base.input(nothing).output(z.object({ address: z.string(), expiresWallMs: z.number() })),
  /** Ends every session. */
  logOut: base.input(nothing).output(z.object({ sessionCount: z.int() })),
  setPassword: base.input(z.object({ password: z.string() })).output(nothing),
  removePassword: base.input(nothing).output(nothing),
  listen: base.input(farPlaceSchema).output(z.object({ reachedAt: z.string().optional() })),
  unlisten: base.input(z.object({ address: z.string() })).output(nothing),
};

/** Everything that a command can ask: the contract, and what concerns the console. */
export const commandContract = { ...contract, console: consoleContract };

export type CommandClient = ContractRouterClient<typeof commandContract>;
