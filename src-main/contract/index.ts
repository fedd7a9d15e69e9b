/**
 * Contract: what a window or a command line may ask of the engine, and what it
 * hears back. Schemas, the syntax of paths, sizes and times, and how faults cross
 * the boundary; no engine.
 *
 * - Every fault crosses as its code and message, and is a MirrorpointError
 *   with that code again on the other side.
 * - Lists come in pages, long work as a stream of events that ends with a
 *   result; who stops listening cancels the work.
 * - Numbers carry their unit in their name; times of files are nanoseconds, as
 *   bigint; identities are hex.
 */
export * from './limits.ts';
export * from './fault.ts';
export * from './place.ts';
export * from './quantities.ts';
export * from './event-schemas.ts';
export * from './rate-schemas.ts';
export * from './rate-rules.ts';
export * from './schemas.ts';
export * from './schedule-schemas.ts';
export * from './space-schemas.ts';
export * from './scrub-schemas.ts';
export * from './share-schemas.ts';
export * from './job-schemas.ts';
export * from './job-words.ts';
export * from './follow-schemas.ts';
export * from './explore-schemas.ts';
export * from './history-schemas.ts';
export * from './machine-schemas.ts';
export * from './mount-schemas.ts';
export * from './restore-schemas.ts';
export * from './trust-schemas.ts';
export * from './desktop-bridge.ts';
export * from './download.ts';
export * from './contract.ts';

/** What a window shows faults, sizes and times with, as the command line does. */
export { type ErrorCode, type FaultClass, formatBytes, formatDuration, formatTime, isFault, MirrorpointError, reasonOf } from '../base/index.ts';
