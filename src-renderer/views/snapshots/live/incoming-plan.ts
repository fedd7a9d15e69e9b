import { childPath, type CollisionChoice, type FileAttributes } from '../../../../src-main/contract/index.ts';
import type { InTheWay } from '../restore/collision-rows.ts';
import { forEachAtOnce } from './at-once.ts';
import type { IncomingFile, IncomingTree } from './incoming-tree.ts';
import { looksAtOnceMax } from './limits.ts';

/** What stands at a path of the volume; undefined for nothing. */
export type LookAt = (path: string) => Promise<FileAttributes | undefined>;

/** A path below a folder of the volume. */
export function placeIn(folder: string, path: string): string {
  return childPath(folder, path);
}

function shownFile({ file }: IncomingFile): InTheWay['incoming'] {
  return { kind: 'file', sizeBytes: file.size, modifiedNs: BigInt(Math.round(file.lastModified)) * 1_000_000n };
}

const shownFolder: InTheWay['incoming'] = { kind: 'directory', sizeBytes: 0, modifiedNs: 0n };

/** Whether a file is there already, as far as its size and time tell; a browser knows times to the millisecond. */
export function isSame({ file }: Pick<IncomingFile, 'file'>, there: FileAttributes): boolean {
  return there.kind === 'file' && there.sizeBytes === file.size && there.modifiedNs / 1_000_000n === BigInt(Math.round(file.lastModified));
}

/** Whether a path lies below one of those. */
function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) if (folders.has(path.slice(0, at))) return true;
  return false;
}

/**
 * What is in the way of what comes in, and what is there already. Below a folder that is not there yet
 * nothing is looked at, so the cost goes with what is there already.
 */
export async function findInTheWay(tree: IncomingTree, folder: string, lookAt: LookAt): Promise<{ inTheWay: InTheWay[]; same: ReadonlySet<string> }> {
  const free = new Set<string>();
  const same = new Set<string>();
  const found = new Map<string, InTheWay>();
  for (const path of tree.folders) {
    if (isBelow(path, free)) continue;
    const target = placeIn(folder, path);
    const existing = await lookAt(target);
    if (existing?.kind !== 'directory') free.add(path);
    if (existing !== undefined && existing.kind !== 'directory') found.set(path, { path, target, incoming: shownFolder, existing });
  }
  await forEachAtOnce(tree.files.filter(({ path }) => !isBelow(path, free)), looksAtOnceMax, async (one) => {
    const target = placeIn(folder, one.path);
    const existing = await lookAt(target);
    if (existing === undefined) return;
    if (isSame(one, existing)) same.add(one.path);
    else found.set(one.path, { path: one.path, target, incoming: shownFile(one), existing });
  });
  return { inTheWay: [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), same };
}

/** What to send, once it is known what to do with each that is in the way. */
export interface SendPlan {
  /** Folders to make, those above first. */
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly file: File; readonly collision: CollisionChoice }[];
  readonly skipped: number;
}

/** Decides for each. `renamed` are folders that come in under another name, because theirs is taken. */
export function planSending(
  tree: IncomingTree,
  folder: string,
  answers: { choiceOf: (path: string) => CollisionChoice; refusedFolders: ReadonlySet<string>; renamed: ReadonlyMap<string, string> },
): SendPlan {
  const { choiceOf, refusedFolders, renamed } = answers;
  const under = (path: string): string => {
    for (const [from, to] of renamed) if (path === from || path.startsWith(`${from}/`)) return `${to}${path.slice(from.length)}`;
    return path;
  };
  const isLeftOut = (path: string): boolean => refusedFolders.has(path) || isBelow(path, refusedFolders);
  const files = tree.files.filter(({ path }) => !isLeftOut(path) && choiceOf(path) !== 'skip');
  return {
    folders: tree.folders.filter((path) => !isLeftOut(path)).map((path) => placeIn(folder, under(path))),
    files: files.map(({ path, file }) => ({ path: placeIn(folder, under(path)), file, collision: choiceOf(path) })),
    skipped: tree.files.length - files.length,
  };
}
