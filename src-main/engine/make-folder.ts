import { MirrorpointError } from '../base/index.ts';
import { pathParts } from '../contract/index.ts';
import { changeBlocks, rootDirectoryInode } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { existingEntry } from './readable-root.ts';

/** Makes a folder, with those above it if asked, which may then be there already. */
export async function makeFolder(
  volume: Volume,
  request: { path: string; parents: boolean; mode: number },
): Promise<number> {
  const { path, parents, mode } = request;
  const names = pathParts(path);
  let parent = rootDirectoryInode;
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    const folder = parent;
    const existing = await volume.query((files) => {
      const entry = existingEntry(files, folder, name);
      return entry?.kind === 'symlink' ? files.stat(files.resolvePath(`/${names.slice(0, index + 1).join('/')}`)) : entry;
    });
    if (existing === undefined && !isLast && !parents) {
      throw new MirrorpointError('not-found', `There is no /${names.slice(0, index + 1).join('/')}. Make it first, or use --parents.`);
    }
    if (existing !== undefined && existing.kind !== 'directory') {
      throw new MirrorpointError('not-a-directory', `/${names.slice(0, index + 1).join('/')} is a ${existing.kind}. Choose another path.`);
    }
    if (existing !== undefined && isLast && !parents) {
      throw new MirrorpointError('exists', `${path} is there already. Choose another name, or use --parents to accept that.`);
    }
    parent =
      existing?.ino ??
      (await volume.change(changeBlocks.create, (files) => files.makeDirectory(folder, name, { mode, uid: 0, gid: 0 })));
  }
  return parent;
}
