/**
 * Restore: what is to be done with each entry that comes to where something
 * may be already: pure rules, which read and write nothing.
 *
 * - Nothing is replaced unless that was chosen for it, and only by something of
 *   its kind: a folder never gives way to a file, nor a file to a folder.
 * - Folders are merged; one that is there keeps its own attributes.
 * - What is beside something else gets a name that nothing has, and keeps its
 *   extension.
 * - A path is restored once, also when a folder above it is restored as well,
 *   and no two of one restore come to lie on each other.
 *
 * Whoever carries a plan out owns sources and targets (`engine/export-job`).
 */
export * from './choices.ts';
export * from './free-name.ts';
export * from './placement.ts';
export * from './plan.ts';
export * from './stopping.ts';
