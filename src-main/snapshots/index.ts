/**
 * Snapshots: the table of kept roots, the deadlists of what they alone still
 * reference, and their part in a consistency point.
 *
 * Invariants: a block is free only when neither the live volume nor any kept
 * root references it; a kept root is given up only when it has no name, and no
 * mirror and no reader needs it; dropping one costs what it frees, not what it
 * holds; only durable roots are ever listed.
 */
export * from './automatic-name.ts';
export * from './hold.ts';
export * from './kept-root.ts';
export * from './kept-root-reader.ts';
export * from './dead-ledger.ts';
export type { Chain } from './dead-record.ts';
export * from './held-space.ts';
export * from './kept-space.ts';
export * from './mirror-needs.ts';
export * from './snapshot-intent.ts';
export * from './snapshot-ledger.ts';
