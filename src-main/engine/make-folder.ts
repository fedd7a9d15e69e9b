import { MirrorpointError } from '../base/index.ts';
import { pathParts } from '../contract/index.ts';
import { changeBlocks, type NewFile, rootDirectoryInode } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { existingEntry } from './readable-root.ts';

/** Makes a folder, with those above it if asked, which may then be there already; `attributesOf` says what a new one gets. */
export async function makeFolder(
  volume: Volume,
  request: { path: string; parents: boolean; attributesOf: (path: string) => Promise<NewFile> },
): Promise<number> {
  const { path, parents, attributesOf } = request;
  const names = pathParts(path);
  let parent = rootDirectoryInode;
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    const folder = parent;
    const here = `/${names.slice(0, index + 1).join('/')}`;
    const existing = await volume.query((files) => {
      const entry = existingEntry(files, folder, name);
      return entry?.kind === 'symlink' ? files.stat(files.resolvePath(here)) : entry;
    });
    if (existing === undefined && !isLast && !parents) {
      throw new MirrorpointError('not-found', `There is no ${here}. Make it first, or use --parents.`);
    }
    if (existing !== undefined && existing.kind !== 'directory') {
      throw new MirrorpointError('not-a-directory', `${here} is a ${existing.kind}. Choose another path.`);
    }
    if (existing !== undefined && isLast && !parents) {
      throw new MirrorpointError('exists', `${path} is there already. Choose another name, or use --parents to accept that.`);
    }
    parent = existing?.ino ?? (await makeOne(volume, { parent, name, attributes: await attributesOf(here) }));
  }
  return parent;
}

function makeOne(volume: Volume, folder: { parent: number; name: string; attributes: NewFile }): Promise<number> {
  const { parent, name, attributes } = folder;
  return volume.change(changeBlocks.create, (files) => files.makeDirectory(parent, name, attributes));
}
