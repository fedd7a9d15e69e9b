import { MirrorpointError } from '../base/index.ts';
import { encodeEntry, type EntryTarget, entriesOf, findEntry, noSuchName } from './directory.ts';
import { rootDirectoryInode } from './file-reader.ts';
import type { Inode } from './inode.ts';
import { nameToBytes } from './name.ts';

/** A name in a directory. */
export interface Place {
  /** The directory's inode number. */
  readonly parent: number;
  readonly name: string;
}

export interface RenameOptions {
  /** Refuse (`exists`) instead of replacing. */
  readonly noReplace?: boolean;
  /** Swap two names, both of which must be there. */
  readonly exchange?: boolean;
}

interface End {
  readonly directory: Inode;
  readonly name: string;
}

/** A rename whose reading is done, but for what the lost inode needs. */
export interface RenamePlan {
  /** The inode that loses its last name to the one that is moved over it. */
  readonly lostInode: Inode | undefined;
  /** Makes the change; returns the inodes changed. The lost inode's end is the caller's. */
  readonly apply: (nowNs: bigint) => readonly Inode[];
}

/** Reads and checks everything that a rename needs; undefined when there is nothing to do. */
export function planRename(request: {
  from: End;
  to: End;
  options: RenameOptions;
  inodeOf: (ino: number) => Inode;
}): RenamePlan | undefined {
  const { from, to, options, inodeOf } = request;
  const fromName = nameToBytes(from.name);
  const toName = nameToBytes(to.name);
  const source = findEntry(from.directory, fromName) ?? noSuchName(from.directory, from.name);
  const target = findEntry(to.directory, toName);
  if (target !== undefined && options.noReplace === true) exists(to);
  if (target === undefined && options.exchange === true) noSuchName(to.directory, to.name);
  if (target?.ino === source.ino) return undefined;
  const moved = inodeOf(source.ino);
  const other = target === undefined ? undefined : inodeOf(target.ino);
  if (source.kind === 'directory') refuseInside(source, to, inodeOf);
  if (options.exchange === true && target?.kind === 'directory') refuseInside(target, from, inodeOf);
  if (options.exchange !== true && target !== undefined && other !== undefined) checkReplaceable(source, { target, other, to });
  const toEntries = entriesOf(to.directory);
  if (from.directory === to.directory) toEntries.prepare([fromName, toName], 1);
  else {
    toEntries.prepare([toName], 1);
    entriesOf(from.directory).prepare([fromName], 1);
  }
  if (options.exchange === true && target !== undefined && other !== undefined) {
    return { lostInode: undefined, apply: (nowNs) => exchange(from, to, { moved, source, other, target, fromName, toName, nowNs }) };
  }
  const isLost = other !== undefined && (other.fields.kind === 'directory' || other.fields.linkCount === 1);
  return {
    lostInode: isLost ? other : undefined,
    apply: (nowNs) => move(from, to, { moved, source, other, fromName, toName, nowNs }),
  };
}

interface Move {
  readonly moved: Inode;
  readonly source: EntryTarget;
  readonly other: Inode | undefined;
  readonly fromName: Uint8Array;
  readonly toName: Uint8Array;
  readonly nowNs: bigint;
}

function move(from: End, to: End, change: Move): readonly Inode[] {
  const { moved, source, other, nowNs } = change;
  entriesOf(to.directory).set(change.toName, encodeEntry(source));
  entriesOf(from.directory).delete(change.fromName);
  from.directory.fields.sizeBytes--;
  if (other === undefined) to.directory.fields.sizeBytes++;
  else {
    other.fields.linkCount--;
    if (other.fields.kind === 'directory') to.directory.fields.linkCount--;
  }
  reparent(moved, from.directory, to.directory);
  const touched = [from.directory, to.directory, moved, ...(other === undefined ? [] : [other])];
  stampAll(touched, { directories: [from.directory, to.directory], nowNs });
  return touched;
}

function exchange(from: End, to: End, change: Move & { other: Inode; target: EntryTarget }): readonly Inode[] {
  const { moved, other, nowNs } = change;
  entriesOf(to.directory).set(change.toName, encodeEntry(change.source));
  entriesOf(from.directory).set(change.fromName, encodeEntry(change.target));
  reparent(moved, from.directory, to.directory);
  reparent(other, to.directory, from.directory);
  const touched = [from.directory, to.directory, moved, other];
  stampAll(touched, { directories: [from.directory, to.directory], nowNs });
  return touched;
}

/** What moves has another parent; a directory takes its link on it along. */
function reparent(moved: Inode, from: Inode, to: Inode): void {
  moved.fields.parentInode = to.number;
  if (moved.fields.kind !== 'directory') return;
  from.fields.linkCount--;
  to.fields.linkCount++;
}

function stampAll(touched: readonly Inode[], at: { directories: readonly Inode[]; nowNs: bigint }): void {
  for (const directory of at.directories) directory.fields.modifiedNs = at.nowNs;
  for (const inode of touched) inode.fields.changedNs = at.nowNs;
}

function exists(to: End): never {
  throw new MirrorpointError('exists', `There is a ${JSON.stringify(to.name)} in directory ${to.directory.number} already. Choose another name.`);
}

function checkReplaceable(source: EntryTarget, over: { target: EntryTarget; other: Inode; to: End }): void {
  const name = JSON.stringify(over.to.name);
  if (source.kind === 'directory' && over.target.kind !== 'directory') {
    throw new MirrorpointError('not-a-directory', `A directory cannot replace ${name}, which is none. Remove that first.`);
  }
  if (source.kind !== 'directory' && over.target.kind === 'directory') {
    throw new MirrorpointError('is-a-directory', `${name} is a directory, and cannot be replaced by what is none. Move into it instead.`);
  }
  if (over.target.kind === 'directory' && over.other.fields.sizeBytes > 0) {
    throw new MirrorpointError('directory-not-empty', `The directory ${name} is not empty, and cannot be replaced. Empty it first.`);
  }
}

/** Throws `argument-invalid` when a directory would come to lie inside itself. */
function refuseInside(directory: EntryTarget, to: End, inodeOf: (ino: number) => Inode): void {
  let at = to.directory;
  while (at.number !== rootDirectoryInode) {
    if (at.number === directory.ino) {
      throw new MirrorpointError('argument-invalid', `A directory cannot be moved into itself, as ${JSON.stringify(to.name)} would be. Choose another place.`);
    }
    at = inodeOf(at.fields.parentInode);
  }
}
