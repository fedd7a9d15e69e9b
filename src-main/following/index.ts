/**
 * Following: what is to be done so that a folder of a volume goes on being like
 * one of the machine. Pure rules: what differs, which names were renamed, when a
 * file has rested, what is ignored, and what waits.
 *
 * - It knows neither volumes nor the machine; what was found on both sides
 *   comes in as data, and what is to be done goes out as data.
 * - The folder wins where both sides have a name. What the volume has under a
 *   name that the folder never had is somebody else's.
 * - A file counts as the same while its identity, size and time are.
 * - Everything that is remembered has a maximum in `limits.ts`.
 */
export * from './limits.ts';
export * from './identity.ts';
export * from './ignore-rules.ts';
export * from './look.ts';
export * from './moves.ts';
export * from './rest.ts';
export * from './source-stat.ts';
export * from './waiting-changes.ts';
