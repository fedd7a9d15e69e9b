/**
 * Preservation: keeps a root readable on a mirror's devices while blocks of
 * another line of roots are written over its places.
 *
 * Invariants: before a place that a preserved root uses is written over, its
 * block stands elsewhere, durably, and so does the note that says where; no
 * reader of the root sees anything in between. The room for that is what nobody
 * uses; when it ends, what was set aside goes before mirroring stops.
 */
export type { PreservedMark } from './displacement-log.ts';
export { BlockSpace, type PreservedRoot } from './preserved-root.ts';
export { putBack } from './put-back.ts';
export { findSetAside, forgetPreserved, PreservedRoots } from './preserved-roots.ts';
