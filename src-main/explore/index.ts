/**
 * Explore: looking through the states of a volume, its live state, its kept ones,
 * and one that a mirror set aside: what a path was, what a folder has no more,
 * where a name is, and what differs between two states.
 *
 * - Everything is asked in steps, and the room remembers nothing between two of
 *   them: a step ends after a bounded amount of work, found or not, and says in a
 *   text where the next one goes on. What vanished in between is passed by.
 * - Two states are compared by pointers with their checksums, from the roots
 *   downwards, so the cost goes with what differs, and states of two histories
 *   can be compared. Births say nothing here. Inode numbers of two histories can
 *   be the same by chance, and are believed where the time of making is the same.
 * - A file is the same in two states when its inode number and generation are;
 *   what is under a name of a folder replaces what was under it before.
 * - Nothing is changed, and states are held for the time of one step only.
 *
 * The volume finds and holds the states; callers word what was found.
 */
export * from './limits.ts';
export { type FoundEntry, foundEntry } from './found-entry.ts';
export type { StateName, StateSource } from './states.ts';
export { StepWork } from './step.ts';
export { exploreDeleted, type FoundDeleted } from './deleted.ts';
export { exploreDifferences, type FoundDifference } from './differences.ts';
export { exploreSearch, type FoundMatch } from './search.ts';
export { exploreVersions, type FoundVersion } from './versions.ts';
