/**
 * Volume: what the floors below make together. The primary's volume, which takes
 * changes; the mirror's, which takes blocks and roots; clones of either; views of kept roots, and
 * of several states beside each other; the checker.
 *
 * Invariants: a volume is opened by one process at a time, for the devices see
 * to that; a view never changes while it is open; everything acknowledged as
 * durable is there after a crash.
 */
export * from './block-healer.ts';
export * from './block-walk.ts';
export * from './check.ts';
export { type CheckProblem } from './check-walk.ts';
export type { Cloneable } from './clone-ground.ts';
export * from './cp-timer.ts';
export * from './damage-report.ts';
export * from './journal-size.ts';
export * from './mirror-volume.ts';
export * from './open-clone.ts';
export * from './root-view.ts';
export * from './scrub-pass.ts';
export type * from './scrub-subject.ts';
export * from './volume-options.ts';
export * from './volume-snapshots.ts';
export * from './volume-space.ts';
export type { StatesInView, StatesWanted, VolumeState } from './volume-states.ts';
export * from './volume.ts';
