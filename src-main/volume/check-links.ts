import { getU48BigEndian, isFault, reasonOf } from '../base/index.ts';
import { decodeEntry, readInode, rootDirectoryInode } from '../files/index.ts';
import type { InodeFields, RootNode } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';
import type { CheckWalk } from './check-walk.ts';

const inodesPerStep = 1024;
const entriesPerPage = 1024;

/** What is counted of each inode of the live root. */
interface Counts {
  /** Links that the inode itself claims. */
  claimed: Uint32Array;
  /** Names in directories, and uses as holder of extended attributes. */
  found: Uint32Array;
  /** 0 free, 1 file or symlink, 2 directory, 3 holder of attributes. */
  kind: Uint8Array;
  subdirectories: Uint32Array;
}

/**
 * Compares link counts with the names that lead to each inode, and finds inodes
 * that nothing leads to. Removed files that were still open are on the list of
 * orphans and count as found.
 */
export async function checkLinks(walk: CheckWalk, context: BlockFileContext, root: RootNode): Promise<void> {
  const counts: Counts = {
    claimed: new Uint32Array(root.nextInode),
    found: new Uint32Array(root.nextInode),
    kind: new Uint8Array(root.nextInode),
    subdirectories: new Uint32Array(root.nextInode),
  };
  let used = 0;
  const inodeFile = new BlockFile(context, root.files.inodes);
  for (let first = 1; first < root.nextInode; first += inodesPerStep) {
    const inodes = await readStep(walk, context, inodeFile, { first, end: Math.min(first + inodesPerStep, root.nextInode) });
    for (const { number, fields } of inodes) {
      used++;
      counts.claimed[number] = fields.linkCount;
      counts.kind[number] = kindOf(fields);
      if (fields.attributesInode > 0) found(walk, counts, fields.attributesInode, `the attributes of inode ${number}`);
      if (fields.kind === 'directory') await countEntries(walk, context, { number, fields }, counts);
    }
  }
  if (used !== root.inodeCount) {
    walk.report({ code: 'count', message: `The root counts ${root.inodeCount} inodes in use, and there are ${used}.` });
  }
  compare(walk, counts, await readOrphans(context, root));
}

async function readStep(
  walk: CheckWalk,
  context: BlockFileContext,
  inodeFile: BlockFile,
  range: { first: number; end: number },
): Promise<{ number: number; fields: InodeFields }[]> {
  const inodes: { number: number; fields: InodeFields }[] = [];
  for (let number = range.first; number < range.end; number++) {
    try {
      const fields = await context.cache.run(() => readInode(context, inodeFile, number));
      if (fields.kind !== 'free') inodes.push({ number, fields });
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      walk.report({ code: 'damaged', message: `Inode ${number} cannot be read: ${reasonOf(fault)}` });
    }
  }
  return inodes;
}

async function countEntries(
  walk: CheckWalk,
  context: BlockFileContext,
  directory: { number: number; fields: InodeFields },
  counts: Counts,
): Promise<void> {
  const entries = new KeyedFile(new BlockFile(context, directory.fields));
  let from: Uint8Array | undefined;
  try {
    for (;;) {
      const page = await context.cache.run(() => {
        const read: { key: Uint8Array; ino: number; isDirectory: boolean }[] = [];
        entries.scan(from, (key, value) => {
          const target = decodeEntry(value);
          read.push({ key: key.slice(), ino: target.ino, isDirectory: target.kind === 'directory' });
          return read.length < entriesPerPage;
        });
        return read;
      });
      for (const { ino, isDirectory } of from === undefined ? page : page.slice(1)) {
        found(walk, counts, ino, `a name in directory ${directory.number}`);
        if (isDirectory) counts.subdirectories[directory.number]!++;
      }
      if (page.length < entriesPerPage) return;
      from = page.at(-1)?.key;
    }
  } catch (fault) {
    if (!isFault(fault)) throw fault;
    walk.report({ code: 'damaged', message: `Directory ${directory.number} cannot be read to its end: ${reasonOf(fault)}` });
  }
}

async function readOrphans(context: BlockFileContext, root: RootNode): Promise<Set<number>> {
  const file = new KeyedFile(new BlockFile(context, root.files.orphans));
  return context.cache.run(() => {
    const orphans = new Set<number>();
    file.scan(undefined, (key) => {
      orphans.add(getU48BigEndian(key, 0));
    });
    return orphans;
  });
}

function compare(walk: CheckWalk, counts: Counts, orphans: ReadonlySet<number>): void {
  counts.kind.forEach((kind, number) => {
    const claimed = counts.claimed[number]!;
    const names = counts.found[number]!;
    if (kind === 0) {
      if (names > 0) walk.report({ code: 'link', message: `${names} names lead to inode ${number}, which is not in use.` });
      return;
    }
    if (names === 0 && number !== rootDirectoryInode && !orphans.has(number)) {
      walk.report({ code: 'link', message: `Nothing leads to inode ${number}, which is in use.` });
      return;
    }
    const expected = kind === 2 ? 2 + counts.subdirectories[number]! : names;
    if (kind !== 3 && !orphans.has(number) && claimed !== expected) {
      walk.report({ code: 'link', message: `Inode ${number} claims ${claimed} links, and ${expected} lead to it.` });
    }
  });
}

function found(walk: CheckWalk, counts: Counts, number: number, what: string): void {
  if (number < counts.found.length) counts.found[number]!++;
  else walk.report({ code: 'link', message: `${what} leads to inode ${number}, which was never used.` });
}

function kindOf(fields: InodeFields): number {
  if (fields.kind === 'directory') return 2;
  return fields.kind === 'attributes' ? 3 : 1;
}
