import { type InodeMark, isSameAccess, isSameContent, rootDirectoryInode } from '../files/index.ts';
import type { ChangedInode } from './changed-inodes.ts';
import type { Sought } from './wanted-children.ts';

/** Some of what has changed between two states, by inode numbers. */
export interface ChangedPart {
  /** Folders of the newer state whose entries are not those that they had, new ones among them. */
  readonly newFolders: ReadonlySet<number>;
  /** The same of the older state. */
  readonly oldFolders: ReadonlySet<number>;
  /** What is in both states, or has taken over the number of what was, and does not look the same; but for the root. */
  readonly files: ReadonlyMap<number, ChangedInode>;
  readonly isRootChanged: boolean;
  /** What is to be found in each of the states. */
  readonly soughtInNewer: readonly Sought[];
  readonly soughtInOlder: readonly Sought[];
}

/** Whether a file shows no difference to who looks at it; of a folder its entries are another matter, and its time is theirs. */
export function looksSame(one: InodeMark, other: InodeMark): boolean {
  if (!isSameAccess(one, other)) return false;
  return one.kind === 'directory' || (one.sizeBytes === other.sizeBytes && one.modifiedNs === other.modifiedNs && isSameContent(one, other));
}

export function hasOneName({ kind, linkCount }: InodeMark): boolean {
  return kind === 'directory' || linkCount === 1;
}

function isFolderOf(mark: InodeMark | undefined, { isContentSame }: ChangedInode): mark is InodeMark {
  return mark?.kind === 'directory' && !isContentSame;
}

function isChangedItself({ before, after }: ChangedInode): boolean {
  return before !== undefined && after !== undefined && before.kind === after.kind && !looksSame(before, after);
}

/** Whether an inode shows that something differs. */
export function isOfInterest(inode: ChangedInode): boolean {
  return isFolderOf(inode.before, inode) || isFolderOf(inode.after, inode) || isChangedItself(inode);
}

export function partOf(inodes: readonly ChangedInode[]): ChangedPart {
  const newer = inodes.filter((inode) => isFolderOf(inode.after, inode));
  const older = inodes.filter((inode) => isFolderOf(inode.before, inode));
  const changed = inodes.filter(isChangedItself);
  const files = new Map(changed.filter(({ ino }) => ino !== rootDirectoryInode).map((inode) => [inode.ino, inode]));
  const sought = (list: readonly ChangedInode[], of: 'before' | 'after'): Sought[] =>
    list
      .filter(({ ino }) => ino !== rootDirectoryInode)
      .map((inode) => ({ ino: inode.ino, parent: inode[of]!.parent, hasSeveralNames: !hasOneName(inode[of]!) }));
  return {
    newFolders: new Set(newer.map(({ ino }) => ino)),
    oldFolders: new Set(older.map(({ ino }) => ino)),
    files,
    isRootChanged: changed.length > files.size,
    soughtInNewer: [...sought(newer, 'after'), ...sought(changed, 'after')],
    soughtInOlder: sought(older, 'before'),
  };
}
