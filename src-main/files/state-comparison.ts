import { bytesEqual } from '../base/index.ts';
import { type EntryTarget, decodeEntry, type DirectoryEntry, entriesOf, findEntry, isFileKind, nameOfKey } from './directory.ts';
import type { Inode, InodeSource } from './inode.ts';

/**
 * Comparing two states of one volume: inode by inode, and directory by
 * directory. Whatever is the same in both by its pointers is not read, so the
 * cost goes with what differs. The functions are operations on trees (see
 * BlockCache.run), over the caches of both states.
 */

/** An inode that may not be the same in both states; without a name it is not there. */
export interface InodeDifference {
  readonly ino: number;
  readonly before: Inode | undefined;
  readonly after: Inode | undefined;
}

/** What `nextInodeDifferences` found, and the inode number to go on with. */
export interface InodeDifferences {
  readonly inodes: readonly InodeDifference[];
  readonly next: number;
}

/** The file, directory or symbolic link under a number, if it is in use and has a name. */
export function findNamed(inodes: InodeSource, ino: number): Inode | undefined {
  const inode = inodes.find(ino);
  return inode !== undefined && isFileKind(inode.fields.kind) && inode.fields.linkCount > 0 ? inode : undefined;
}

/** The inodes of the next block of inodes, from a number on, that is not the same in both states; undefined when there is none. */
export function nextInodeDifferences(before: InodeSource, after: InodeSource, from: number): InodeDifferences | undefined {
  const { inodesPerBlock } = before.file.geometry;
  const stored = before.file.nextDifference(after.file, Math.floor(from / inodesPerBlock));
  const waiting = Math.min(before.firstWaiting(from) ?? Infinity, after.firstWaiting(from) ?? Infinity);
  const block = Math.min(stored ?? Infinity, Math.floor(waiting / inodesPerBlock));
  if (block === Infinity) return undefined;
  const next = (block + 1) * inodesPerBlock;
  const inodes: InodeDifference[] = [];
  for (let ino = Math.max(1, from, block * inodesPerBlock); ino < next; ino++) {
    const difference = { ino, before: findNamed(before, ino), after: findNamed(after, ino) };
    if (difference.before !== undefined || difference.after !== undefined) inodes.push(difference);
  }
  return { inodes, next };
}

/** Whether two inodes hold the same bytes: their trees are the same, and nothing waits. What was rewritten as it was counts as different. */
export function isSameContent(one: Inode, other: Inode): boolean {
  if (one.content.isWaiting || other.content.isWaiting) return false;
  const [inline, otherInline] = [one.fields.inlineContent, other.fields.inlineContent];
  if (inline !== null || otherInline !== null) return inline !== null && otherInline !== null && bytesEqual(inline, otherInline);
  const [root, otherRoot] = [one.content.root, other.content.root];
  return root.height === otherRoot.height && bytesEqual(root.slots, otherRoot.slots);
}

/** Where `differingEntries` goes on: a block of the directory, and an entry in it. */
export interface EntryPosition {
  readonly block: number;
  readonly slot: number;
}

/** An entry of a directory that another directory has not, or that leads elsewhere there. */
export interface DifferingEntry extends DirectoryEntry {
  /** What the other directory has under the name. */
  readonly other: EntryTarget | undefined;
  /** Behind it. */
  readonly after: EntryPosition;
}

export interface DifferingEntries {
  readonly entries: readonly DifferingEntry[];
  /** Entries that were compared. */
  readonly comparedCount: number;
  readonly next: EntryPosition | undefined;
}

/**
 * The entries of one directory, in the next block that may differ, which the
 * other directory has not or has otherwise; all of them when there is no other.
 * Entries of the other one are found by asking the other way round.
 */
export function differingEntries(own: Inode, other: Inode | undefined, from: EntryPosition): DifferingEntries {
  const block = own.content.nextDifference(other?.content, from.block);
  if (block === undefined) return { entries: [], comparedCount: 0, next: undefined };
  const all = entriesOf(own).entriesInBlock(block);
  const entries: DifferingEntry[] = [];
  for (let slot = block === from.block ? from.slot : 0; slot < all.length; slot++) {
    const { key, value } = all[slot]!;
    const [target, otherTarget] = [decodeEntry(value), other && findEntry(other, key)];
    if (otherTarget?.ino === target.ino && otherTarget.kind === target.kind) continue;
    entries.push({ name: nameOfKey(key), ...target, other: otherTarget, after: { block, slot: slot + 1 } });
  }
  return { entries, comparedCount: all.length, next: { block: block + 1, slot: 0 } };
}
