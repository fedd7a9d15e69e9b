import { isFault, MirrorpointError } from '../base/index.ts';
import { ignoreLines, rootIdentity } from '../following/index.ts';
import type { FollowRecord } from './follow-record.ts';
import { readSource } from './import-source.ts';
import type { LocalStat, LocalTree } from './local-tree.ts';

/** In the followed folder: what of it is ignored. */
export const ignoreFileName = '.mirrorpointignore';

/**
 * Looks whether the followed folder is there and is the one that it was. What a
 * drive that is not mounted leaves behind must not be taken for a folder from
 * which all was removed. Throws `not-found` and `source-changed`.
 */
export async function checkRoot(options: { tree: LocalTree; local: string; record: FollowRecord; isWhole: boolean }): Promise<LocalStat> {
  const { tree, local, record, isWhole } = options;
  const stat = await tree.stat(local);
  if (stat?.kind !== 'directory') {
    const what = stat === undefined ? `There is no ${local} any more` : `${local} is no folder any more`;
    throw new MirrorpointError('not-found', `${what}. Nothing was removed from the volume. Bring the folder back, or end the follow.`);
  }
  if (record.root !== undefined && record.root !== rootIdentity(stat)) {
    throw new MirrorpointError(
      'source-changed',
      `${local} is another folder than the one that was followed: its drive is not mounted, or it was replaced. Nothing was removed from the volume. ` +
        'Bring the folder back; or, if this one is to be followed, end the follow and begin it anew.',
    );
  }
  if (isWhole && record.count > 0 && (await isEmpty(tree, local))) {
    throw new MirrorpointError(
      'source-changed',
      `${local} is empty, and ${record.count} entries of the volume came from it. Nothing was removed from the volume. ` +
        'Bring its content back, or put something in; or end the follow and remove what is in the volume by hand.',
    );
  }
  return stat;
}

async function isEmpty(tree: LocalTree, local: string): Promise<boolean> {
  for await (const { entries, refusedNames } of tree.list(local)) if (entries.length + refusedNames.length > 0) return false;
  return true;
}

/** The lines of the folder's ignore file; none when it has none. */
export async function readIgnoreFile(tree: LocalTree, folder: string): Promise<string[]> {
  const local = tree.join(folder, ignoreFileName);
  try {
    const stat = await tree.stat(local);
    if (stat?.kind !== 'file') return [];
    using read = await readSource(tree, local, stat);
    return ignoreLines(Buffer.from(read.bytes).toString('utf8'));
  } catch (fault) {
    if (isFault(fault, 'not-found')) return [];
    throw fault;
  }
}
