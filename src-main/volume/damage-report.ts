import { isFault } from '../base/index.ts';
import { readInode, rootDirectoryInode } from '../files/index.ts';
import {
  blocksBelow,
  type Geometry,
  inodeSlots,
  isNullPointer,
  pointerBirth,
  pointerBytes,
  pointerVbn,
} from '../format/index.ts';
import { BlockFile, type BlockFileContext, type TreeRoot } from '../tree/index.ts';
import type { RootView } from './root-view.ts';
import type { Damage } from './scrub-pass.ts';
import type { HeldRoot, ScrubSubject } from './scrub-subject.ts';

const entriesPerPage = 1024;

/** Paths that one report names. */
const pathsMax = 1000;

/** A file or directory that has lost something, and the states in which it has. */
export interface HitFile {
  path: string;
  /** `live`, on a mirror `last`; `@NAME` of snapshots; `cp=N` when only a root kept for a mirror has it. */
  states: string[];
}

/** What damaged blocks mean to people. */
export interface DamageReport {
  files: HitFile[];
  /** The volume's own maps that are hit. */
  maps: string[];
}

/**
 * Names the files and snapshots that damaged blocks belong to: looks in every
 * kept root whether it references the block at the same place, and searches the
 * directories of those that do for the names of the inode. Costs a walk of the
 * directories for each root that is hit.
 */
export async function reportDamage(subject: ScrubSubject, damage: readonly Damage[], liveLabel: 'live' | 'last'): Promise<DamageReport> {
  const maps = [...new Set(damage.flatMap(({ of }) => (of === 'inodes' || of === 'file' ? [] : [of])))];
  const files = new Map<string, string[]>();
  const ofFiles = damage.filter(({ of }) => of === 'inodes' || of === 'file');
  for (let fromCp = Math.min(...ofFiles.map(({ birthCp }) => birthCp)); Number.isFinite(fromCp); ) {
    const held = await subject.holdOldest(fromCp);
    try {
      const hits: Damage[] = [];
      for (const one of ofFiles) if (await references(held, one)) hits.push(one);
      const states = [...held.names.map((name) => `@${name}`), ...(held.isLast ? [liveLabel] : [])];
      if (hits.length > 0) {
        for (const path of await pathsOf(subject, held, hits)) {
          if (!files.has(path) && files.size >= pathsMax) break;
          files.set(path, [...(files.get(path) ?? []), ...(states.length > 0 ? states : [`cp=${held.cp}`])]);
        }
      }
      fromCp = held.isLast ? Infinity : held.cp + 1;
    } finally {
      held.leave();
    }
  }
  return { maps, files: [...files].map(([path, states]) => ({ path, states: shown(states) })) };
}

/** Roots that are only kept for mirrors are told of when nothing else has the damage. */
function shown(states: readonly string[]): string[] {
  const known = states.filter((state) => !state.startsWith('cp='));
  return known.length > 0 ? known : states.slice(0, 1);
}

/** Whether a root has the damaged block at the place where it was met. What cannot be read has another damaged block above it. */
async function references(held: HeldRoot, damage: Damage): Promise<boolean> {
  const { context } = held;
  try {
    return await context.cache.run(() => {
      const tree = damage.of === 'inodes' ? held.inodes : readInode(context, new BlockFile(context, held.inodes), damage.inode);
      const pointer = pointerAt(context, tree, damage);
      return pointer !== undefined && pointerVbn(pointer, 0) === damage.vbn && pointerBirth(pointer, 0) === damage.birthCp;
    });
  } catch (fault) {
    if (isFault(fault)) return false;
    throw fault;
  }
}

/** The pointer of a tree at a level that leads to a data block; undefined where the tree has none. */
function pointerAt(context: BlockFileContext, tree: Pick<TreeRoot, 'slots' | 'height'>, at: { level: number; firstIndex: number }): Uint8Array | undefined {
  let { slots: block } = tree;
  let index = at.firstIndex;
  if (at.level > tree.height || index >= inodeSlots * blocksBelow(context.geometry, tree.height)) return undefined;
  for (let level = tree.height; ; level--) {
    const span = blocksBelow(context.geometry, level);
    const offset = Math.floor(index / span) * pointerBytes;
    if (isNullPointer(block, offset)) return undefined;
    if (level === at.level) return block.slice(offset, offset + pointerBytes);
    index %= span;
    block = context.cache.need(block, offset);
  }
}

/** The paths, in one root, of everything that the damaged blocks hit. What has no name any more is told by its inode number. */
async function pathsOf(subject: ScrubSubject, held: HeldRoot, hits: readonly Damage[]): Promise<string[]> {
  const wanted = hits.map((damage) => inodesHit(subject.geometry, damage));
  const isWanted = (ino: number): boolean => wanted.some(({ first, end }) => ino >= first && ino < end);
  const found: string[] = isWanted(rootDirectoryInode) ? ['/'] : [];
  const named = new Set<number>([rootDirectoryInode]);
  await using view = await subject.openView(held.isLast ? 'last' : { cp: held.cp });
  const directories = [{ ino: rootDirectoryInode, path: '' }];
  for (let directory = directories.pop(); directory !== undefined && found.length < pathsMax; directory = directories.pop()) {
    for await (const { name, ino, kind } of entriesOf(view, directory.ino)) {
      const path = `${directory.path}/${name}`;
      if (isWanted(ino)) {
        found.push(path);
        named.add(ino);
      }
      if (kind === 'directory') directories.push({ ino, path });
    }
  }
  for (const { of, inode } of hits) {
    if (of === 'file' && !named.has(inode) && found.length < pathsMax) found.push(`(inode ${inode})`);
    named.add(inode);
  }
  return found;
}

/** The inode numbers that a damaged block takes with it. */
function inodesHit(geometry: Geometry, { of, inode, level, firstIndex }: Damage): { first: number; end: number } {
  if (of === 'file') return { first: inode, end: inode + 1 };
  const { inodesPerBlock } = geometry;
  return { first: firstIndex * inodesPerBlock, end: (firstIndex + blocksBelow(geometry, level)) * inodesPerBlock };
}

/** A directory's entries as far as they can be read. */
async function* entriesOf(view: RootView, ino: number): AsyncGenerator<{ name: string; ino: number; kind: string }> {
  let after: string | undefined;
  for (;;) {
    let page;
    try {
      page = await view.query((files) => files.readDirectory(ino, after, entriesPerPage));
    } catch (fault) {
      if (isFault(fault)) return;
      throw fault;
    }
    yield* page;
    if (page.length < entriesPerPage) return;
    after = page.at(-1)!.name;
  }
}
