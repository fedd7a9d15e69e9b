import { bytesEqual } from '../base/index.ts';
import { inodeBytes } from '../format/index.ts';
import type { BlockFile } from '../tree/index.ts';
import { decodeEntry, type DirectoryEntry, entriesOf, type EntryTarget, type FileKind, findEntry, isFileKind, nameOfKey } from './directory.ts';
import type { Inode, InodeSource } from './inode.ts';
import { nameToBytes } from './name.ts';

/**
 * Comparing two states of one volume, inode by inode and directory by directory.
 * What is the same in both by its pointers is not read, so the cost goes with
 * what differs. These are operations on trees (see BlockCache.run), over the
 * caches of both states.
 */

/** What is needed of an inode to compare it, taken at one moment. */
export interface InodeMark {
  readonly kind: FileKind;
  readonly generation: number;
  readonly createdNs: bigint;
  /** Of a directory its parent, of others a hint, or 0. */
  readonly parent: number;
  readonly linkCount: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  /** The root of its content, which is never changed in place. */
  readonly content: { readonly inline: Uint8Array | null; readonly height: number; readonly slots: Uint8Array; readonly isWaiting: boolean };
}

/** The file, directory or symbolic link under a number, if it is in use and has a name. */
function findNamed(inodes: InodeSource, ino: number): Inode | undefined {
  const inode = inodes.find(ino);
  return inode !== undefined && isFileKind(inode.fields.kind) && inode.fields.linkCount > 0 ? inode : undefined;
}

/** What a number leads to; undefined when that is nothing that has a name. */
export function markOf(inodes: InodeSource, ino: number): InodeMark | undefined {
  const inode = findNamed(inodes, ino);
  if (inode === undefined) return undefined;
  const { kind, generation, createdNs, parentInode, linkCount, mode, uid, gid, sizeBytes, modifiedNs, inlineContent } = inode.fields;
  const { height, slots } = inode.content.root;
  const content = { inline: inlineContent, height, slots, isWaiting: inode.content.isWaiting };
  return { kind: kind as FileKind, generation, createdNs, parent: parentInode, linkCount, mode, uid, gid, sizeBytes, modifiedNs, content };
}

/** Whether two inodes hold the same bytes: their trees are the same, and nothing waits. What was rewritten as it was counts as other bytes. */
export function isSameContent({ content: one }: InodeMark, { content: other }: InodeMark): boolean {
  if (one.isWaiting || other.isWaiting) return false;
  if (one.inline !== null || other.inline !== null) return one.inline !== null && other.inline !== null && bytesEqual(one.inline, other.inline);
  return one.height === other.height && bytesEqual(one.slots, other.slots);
}

/** Whether two inodes have the same permissions and owner. */
export function isSameAccess(one: InodeMark, other: InodeMark): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}

/** An inode that may not be the same in both states; what has no name is not there. */
export interface InodeDifference {
  readonly ino: number;
  readonly before: InodeMark | undefined;
  readonly after: InodeMark | undefined;
}

/**
 * The inodes in the next block of inodes, from a number on, that is not the same
 * in both states, and the number to go on with; undefined when there is none.
 */
export function nextInodeDifferences(
  before: InodeSource,
  after: InodeSource,
  from: number,
): { readonly inodes: readonly InodeDifference[]; readonly next: number } | undefined {
  const { inodesPerBlock } = before.file.geometry;
  const stored = before.file.nextDifference(after.file, Math.floor(from / inodesPerBlock));
  const waiting = Math.min(before.firstWaiting(from) ?? Infinity, after.firstWaiting(from) ?? Infinity);
  const block = Math.min(stored ?? Infinity, Math.floor(waiting / inodesPerBlock));
  if (block === Infinity) return undefined;
  const next = (block + 1) * inodesPerBlock;
  const inodes: InodeDifference[] = [];
  const isEqual = waiting < next ? () => false : equalInodes(before.file, after.file, block);
  for (let ino = Math.max(1, from, block * inodesPerBlock); ino < next; ino++) {
    if (isEqual(ino % inodesPerBlock)) continue;
    const difference = { ino, before: markOf(before, ino), after: markOf(after, ino) };
    if (difference.before !== undefined || difference.after !== undefined) inodes.push(difference);
  }
  return { inodes, next };
}

/** Tells which inodes of a block have the same bytes in both files. */
function equalInodes(before: BlockFile, after: BlockFile, block: number): (index: number) => boolean {
  const [one, other] = readBoth(before, after, block);
  if (one === null || other === null) return () => false;
  return (index) => Buffer.compare(one.subarray(index * inodeBytes, (index + 1) * inodeBytes), other.subarray(index * inodeBytes, (index + 1) * inodeBytes)) === 0;
}

/** Reads a block of two files, asking for both at once. */
function readBoth(one: BlockFile, other: BlockFile | undefined, block: number): [Uint8Array | null, Uint8Array | null] {
  one.prefetch(block);
  other?.prefetch(block);
  return [one.read(block), other?.read(block) ?? null];
}

/** Where `differingEntries` goes on: a block of the directory, and an entry in it. */
export interface EntryPosition {
  readonly block: number;
  readonly slot: number;
}

export const firstEntry: EntryPosition = { block: 0, slot: 0 };

/** An entry of a directory that another directory has not, or that leads elsewhere there. */
export interface DifferingEntry extends DirectoryEntry {
  /** What the other directory has under the name. */
  readonly other: EntryTarget | undefined;
  /** Where to go on behind it. */
  readonly next: EntryPosition;
}

/** A directory of a state, by its number; undefined for none. */
export interface DirectoryOf {
  readonly inodes: InodeSource;
  readonly ino: number | undefined;
}

/**
 * The entries of one directory, in the next block that may differ, which the
 * other directory has not or has otherwise; all of them when there is no other.
 * What only the other one has is found by asking the other way round.
 */
export function differingEntries(
  own: DirectoryOf,
  other: DirectoryOf,
  from: EntryPosition,
): { readonly entries: readonly DifferingEntry[]; readonly comparedCount: number; readonly next: EntryPosition | undefined } {
  const [directory, otherDirectory] = [directoryOf(own), directoryOf(other)];
  const block = directory?.content.nextDifference(otherDirectory?.content, from.block);
  if (directory === undefined || block === undefined) return { entries: [], comparedCount: 0, next: undefined };
  readBoth(directory.content, otherDirectory?.content, block);
  const all = entriesOf(directory).entriesInBlock(block);
  const beside = otherDirectory === undefined ? [] : entriesOf(otherDirectory).entriesInBlock(block);
  const entries: DifferingEntry[] = [];
  let besideSlot = 0;
  for (let slot = block === from.block ? from.slot : 0; slot < all.length; slot++) {
    const { key, value } = all[slot]!;
    // Most entries stand in the same block of both, which are in the same order.
    while (besideSlot < beside.length && Buffer.compare(beside[besideSlot]!.key, key) < 0) besideSlot++;
    const same = beside[besideSlot];
    if (same !== undefined && bytesEqual(same.key, key) && bytesEqual(same.value, value)) continue;
    const target = decodeEntry(value);
    const otherTarget = otherDirectory && findEntry(otherDirectory, key);
    if (otherTarget?.ino === target.ino && otherTarget.kind === target.kind) continue;
    entries.push({ name: nameOfKey(key), ...target, other: otherTarget, next: { block, slot: slot + 1 } });
  }
  return { entries, comparedCount: all.length, next: { block: block + 1, slot: 0 } };
}

/** What a directory has under a name; undefined when it has not, or is none. Throws `name-invalid`. */
export function childOf(directory: DirectoryOf, name: string): EntryTarget | undefined {
  const inode = directoryOf(directory);
  return inode && findEntry(inode, nameToBytes(name));
}

export function isDirectory(directory: DirectoryOf): boolean {
  return directoryOf(directory) !== undefined;
}

function directoryOf({ inodes, ino }: DirectoryOf): Inode | undefined {
  const inode = ino === undefined ? undefined : findNamed(inodes, ino);
  return inode?.fields.kind === 'directory' ? inode : undefined;
}
