import { bytesEqual, isFault, reasonOf } from '../base/index.ts';
import { type Extent, readShed } from '../consistency/index.ts';
import { type RootNode, type SystemFileName, systemFileNames } from '../format/index.ts';
import { type Chain, encodeNamed, type KeptRoot, KeptRootReader, scanDeadlists, type ViewedRoot } from '../snapshots/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';
import { checkLinks } from './check-links.ts';
import { type CheckProblem, CheckWalk } from './check-walk.ts';

/** Problems that a report lists; there may be more. */
const problemsMax = 1000;

const pageRows = 256;

export interface CheckOptions {
  /** Called now and then with the blocks proven so far and those in use. */
  onProgress?: (verifiedBlocks: number, usedBlocks: number) => void;
}

/** What a check found. */
export interface CheckReport {
  cp: number;
  usedBlocks: number;
  /** Blocks read and proven by their checksum. */
  verifiedBlocks: number;
  keptRoots: number;
  inodes: number;
  /** Empty when the volume is whole. */
  problems: CheckProblem[];
}

/** What the checker works on. */
export interface CheckSubject {
  context: BlockFileContext;
  root: RootNode;
  /** A mirror holds the live trees and those of named snapshots; what only other roots need was never sent. */
  isMirror?: boolean;
  /** Called when the volume's own maps have been read, which a later CP may write over. */
  mapsRead?: () => void;
}

/**
 * Verifies a root completely: every block of the live trees, of every kept root
 * and of the volume's own maps against its pointer's checksum; the free map,
 * deadlists and shed list against what is referenced; inode and link counts. It
 * changes nothing. Memory: one bit per block of the volume, and four bytes per
 * inode.
 */
export async function checkVolume(subject: CheckSubject, options: CheckOptions = {}): Promise<CheckReport> {
  const { root } = subject;
  const context = { geometry: subject.context.geometry, cache: subject.context.cache };
  const walk = new CheckWalk({
    context,
    blockCount: root.blockCount,
    problemsMax,
    onProgress: (verified) => options.onProgress?.(verified, root.usedBlockCount),
  });
  const report: CheckReport = {
    cp: root.cp,
    usedBlocks: root.usedBlockCount,
    verifiedBlocks: 0,
    keptRoots: 0,
    inodes: root.inodeCount,
    problems: walk.problems,
  };
  const maps = await readMaps(walk, context, root);
  subject.mapsRead?.();
  if (maps !== undefined) {
    const kept = subject.isMirror === true ? maps.kept.filter(({ names }) => names.length > 0) : maps.kept;
    report.keptRoots = kept.length;
    await walkFiles(walk, root, kept);
    const keptCps = new Set(maps.kept.map(({ cp }) => cp));
    for (const { extent, holderCp } of maps.deadFiles) {
      // A holder without a row is being taken apart: its blocks wait for that, and nothing references them.
      if (subject.isMirror === true || !keptCps.has(holderCp)) markAbsent(walk, extent);
      else checkDead(walk, extent, holderCp);
    }
    compareFreeMap(walk, maps.freeMap, root);
    await checkLinks(walk, context, root);
  }
  report.verifiedBlocks = walk.verifiedBlocks;
  return report;
}

interface Maps {
  kept: KeptRoot[];
  deadFiles: { extent: Extent; holderCp: number }[];
  freeMap: BitmapPage[];
}

interface BitmapPage {
  index: number;
  bits: Uint8Array;
}

/** Walks and reads the system files; undefined when they are too damaged to go on. */
async function readMaps(walk: CheckWalk, context: BlockFileContext, root: RootNode): Promise<Maps | undefined> {
  try {
    const mapNames = systemFileNames.filter((name): name is Exclude<SystemFileName, 'inodes'> => name !== 'inodes');
    for (const name of mapNames) {
      const blocks = await walk.tree({
        root: root.files[name],
        what: `the ${name} map`,
        afterCp: 0,
        holdsInodes: false,
      });
      checkBlockCount(walk, `The ${name} map`, blocks, root.files[name].blockCount);
    }
    const shed = await readShed(context, root);
    for (let position = 0; position < shed.count; position++) walk.mark(shed.vbn(position), 'the shed list');
    const kept = await readKept(context, root);
    await checkNames(walk, context, { root, kept });
    return { kept, ...(await readDead(walk, context, root)), freeMap: await readBits(context, root) };
  } catch (fault) {
    if (!isFault(fault)) throw fault;
    walk.report({ code: 'damaged', message: `The volume's own maps cannot be read to their end: ${reasonOf(fault)}` });
    return undefined;
  }
}

async function readKept(context: BlockFileContext, root: RootNode): Promise<KeptRoot[]> {
  const rows = new KeptRootReader(context, root.files.snapshots);
  const kept: KeptRoot[] = [];
  for (;;) {
    const page = await context.cache.run(() => rows.list(kept.at(-1)?.cp ?? 0, pageRows));
    kept.push(...page);
    if (page.length < pageRows) return kept;
  }
}

/** Each name of a row has its entry, which says what the row says, and there are no others. */
async function checkNames(walk: CheckWalk, context: BlockFileContext, table: { root: RootNode; kept: readonly KeptRoot[] }): Promise<void> {
  const rows = new KeptRootReader(context, table.root.files.snapshots);
  const rowsLeft = new Map(table.kept.flatMap((row) => row.names.map((name) => [name, row] as const)));
  let page: ReturnType<KeptRootReader['listNames']> = [];
  for (let from = ''; ; from = page.at(-1)!.name) {
    page = await context.cache.run(() => rows.listNames(from, pageRows));
    for (const { name, found } of page) {
      if (name === from) continue;
      const row = rowsLeft.get(name);
      rowsLeft.delete(name);
      if (row !== undefined && isOfRow(found, row)) continue;
      walk.report({ code: 'damaged', message: `The entry of the snapshot "${name}" says something else than the row of its CP.` });
    }
    if (page.length < pageRows) break;
  }
  for (const [name, { cp }] of rowsLeft) {
    walk.report({ code: 'damaged', message: `CP ${cp} is kept under the name "${name}", by which it cannot be found.` });
  }
}

/** Whether a name's entry says what the row says. */
function isOfRow(found: ViewedRoot | number, row: KeptRoot): boolean {
  return typeof found === 'number' ? found === row.cp : bytesEqual(encodeNamed(found), encodeNamed(row));
}

async function readDead(
  walk: CheckWalk,
  context: BlockFileContext,
  root: RootNode,
): Promise<{ deadFiles: Maps['deadFiles'] }> {
  const file = new KeyedFile(new BlockFile(context, root.files.deadlists));
  const deadFiles: Maps['deadFiles'] = [];
  let from: Uint8Array | undefined;
  for (;;) {
    const page: { chain: Chain; holderCp: number; key: Uint8Array; extents: Extent[] }[] = [];
    await context.cache.run(() => {
      page.length = 0;
      scanDeadlists(file, from, (at, extents) => {
        page.push({ ...at, extents });
        return page.length < pageRows;
      });
    });
    const fresh = from === undefined ? page : page.slice(1);
    for (const { chain, holderCp, extents } of fresh) {
      for (const extent of extents) {
        if (chain === 'files') deadFiles.push({ extent, holderCp });
        else for (let vbn = extent.vbn; vbn < extent.vbn + extent.count; vbn++) walk.mark(vbn, `the maps' deadlist of CP ${holderCp}`);
      }
    }
    if (page.length < pageRows) return { deadFiles };
    from = page.at(-1)?.key;
  }
}

async function readBits(context: BlockFileContext, root: RootNode): Promise<BitmapPage[]> {
  const file = new BlockFile(context, root.files.freeMap);
  const pageCount = Math.ceil(root.blockCount / context.geometry.blocksPerMapBlock);
  const pages: BitmapPage[] = [];
  for (let index = 0; index < pageCount; index++) {
    const bits = await context.cache.run(() => file.read(index)?.slice());
    if (bits !== undefined) pages.push({ index, bits });
  }
  return pages;
}

/** Walks kept roots from the oldest, each only where it differs from the one before, and the live root last. */
async function walkFiles(walk: CheckWalk, root: RootNode, kept: readonly KeptRoot[]): Promise<void> {
  let afterCp = 0;
  for (const { cp, inodes } of kept) {
    await walk.tree({ root: inodes, what: `CP ${cp}`, afterCp, holdsInodes: true });
    afterCp = cp;
  }
  // A row for the root's own CP is the root itself.
  await walk.tree({ root: root.files.inodes, what: `CP ${root.cp}`, afterCp, holdsInodes: true });
}

function checkDead(walk: CheckWalk, extent: Extent, holderCp: number): void {
  for (let vbn = extent.vbn; vbn < extent.vbn + extent.count; vbn++) {
    if (walk.isMarked(vbn)) continue;
    walk.report({ code: 'lost', message: `Block ${vbn} is on the deadlist of CP ${holderCp}, but no kept root references it.` });
    return;
  }
}

/** Accounts for dead blocks that no root on this side references: the mirror never got them, or they are on their way out. */
function markAbsent(walk: CheckWalk, extent: Extent): void {
  for (let vbn = extent.vbn; vbn < extent.vbn + extent.count; vbn++) {
    if (!walk.isMarked(vbn)) walk.mark(vbn, 'a deadlist');
  }
}

function compareFreeMap(walk: CheckWalk, pages: readonly BitmapPage[], root: RootNode): void {
  const mapped = new Uint8Array(walk.referenced.length);
  for (const { index, bits } of pages) {
    const offset = index * bits.length;
    mapped.set(bits.subarray(0, Math.min(bits.length, mapped.length - offset)), offset);
  }
  let used = 0;
  for (let offset = 0; offset < mapped.length; offset++) {
    for (let bit = 0; bit < 8; bit++) used += (mapped[offset]! >> bit) & 1;
    if (mapped[offset] === walk.referenced[offset]) continue;
    for (let bit = 0; bit < 8; bit++) {
      const isUsed = (mapped[offset]! >> bit) & 1;
      const isReferenced = (walk.referenced[offset]! >> bit) & 1;
      if (isUsed === isReferenced) continue;
      const vbn = offset * 8 + bit;
      walk.report(
        isUsed === 1
          ? { code: 'leaked', message: `Block ${vbn} is marked as in use, and nothing references it.` }
          : { code: 'lost', message: `Block ${vbn} is referenced, and the free map calls it free.` },
      );
    }
  }
  if (used !== root.usedBlockCount) {
    walk.report({ code: 'count', message: `The root counts ${root.usedBlockCount} blocks in use, the free map ${used}.` });
  }
}

function checkBlockCount(walk: CheckWalk, what: string, found: number, expected: number): void {
  if (found !== expected) {
    walk.report({ code: 'count', message: `${what} has ${found} blocks, and its inode counts ${expected}.` });
  }
}
