/**
 * Replication: keeps a mirror equal to its primary. Both sides' work between
 * the wire's messages and the volumes.
 *
 * Invariants:
 * - A root becomes the mirror's state only when every block that it reaches has
 *   been proven against the checksum in its parent, and is durable.
 * - Before its CP freezes, a root that may reach the mirror is among the needs
 *   that the primary's volume keeps, and stays there until the mirror has
 *   acknowledged a later one: no block that the mirror's last CP, or a view open
 *   on it, references is ever written over.
 * - The primary waits for nothing here: a slow, full or missing mirror costs it
 *   held space, never time.
 * - Nothing is sent twice because a link was lost: what stands on the mirror's
 *   devices is recognised by its checksum.
 * - A volume is handed over at most once in a session, at a root that both sides
 *   have; a mirror that has agreed to lead tells no primary its state any more.
 *
 * What to do is decided by pure functions (peering, leadership, retry, probe and
 * packing policy, rate limits); the sessions carry it out. A relationship owns its
 * links; the volumes are the caller's. Time comes from the clock that is passed in.
 */
export { firstHello } from './first-hello.ts';
export type { LinkKeeper } from './link-keeper.ts';
export { MirrorService } from './mirror-service.ts';
export type { MirrorServiceOptions } from './mirror-service.ts';
export { refusePeer } from './primary-hello.ts';
export type { ServerName } from './primary-hello.ts';
export { PrimaryRelationship } from './primary-relationship.ts';
export type { PrimaryRelationshipOptions } from './primary-relationship.ts';
export type { MirroredVolume } from './primary-session.ts';
export { minuteOfDay, rateAt } from './rate-limits.ts';
export type { RateLimits, RateWindow } from './rate-limits.ts';
export type { RelationshipState, RelationshipStatus } from './relationship-status.ts';
