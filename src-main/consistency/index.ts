/**
 * Consistency: how changes in memory become a durable, whole state. The space
 * map, the journal, the root ring, and the consistency point that ties them
 * together. What the changes are is known to the rooms above, which take part
 * as participants.
 *
 * Invariants: a root becomes visible only when every block under it is durable;
 * nothing that the last durable root or a kept root references is overwritten;
 * a request acknowledged as durable is in the journal or in a durable CP.
 */
export * from './freed-list.ts';
export * from './space-map.ts';
export * from './root-ring.ts';
export * from './journal.ts';
export * from './request-log.ts';
export * from './cp-writer.ts';
export * from './read-gate.ts';
export * from './map-writing.ts';
export * from './overlay-writing.ts';
export * from './consistency-points.ts';
