import { MirrorpointError } from '../base/index.ts';
import { childPath, splitPath } from '../contract/index.ts';
import { changeBlocks } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import type { Job } from './job.ts';
import { inodeAt } from './readable-root.ts';

const pageEntries = 256;

interface Folder {
  readonly path: string;
  readonly parent: number;
  readonly name: string;
  readonly ino: number;
}

/** Removes a file, or a folder with all that is in it. */
export async function removePath(
  volume: Volume,
  job: Job,
  options: { path: string; recursive: boolean },
): Promise<{ entries: number }> {
  const { path, recursive } = options;
  const place = splitPath(path);
  if (place === undefined) {
    throw new MirrorpointError('not-permitted', 'The root of a volume cannot be removed. Name what is in it.');
  }
  const { parent, ino, kind } = await volume.query((files) => {
    const found = inodeAt(files, path);
    return { parent: inodeAt(files, place.folder, { follow: true }), ino: found, kind: files.stat(found).kind };
  });
  let entries = 0;
  const removed = (at: string): void => {
    entries++;
    job.counts.files = entries;
    job.counts.current = at;
  };
  if (kind !== 'directory') {
    await volume.change(changeBlocks.remove, (files) => {
      files.unlink(parent, place.name);
    }, { frees: true });
    removed(path);
    return { entries };
  }
  const waiting: Folder[] = [{ path, parent, name: place.name, ino }];
  for (let folder = waiting.at(-1); folder !== undefined; folder = waiting.at(-1)) {
    const current = folder;
    job.checkCancelled();
    const page = recursive ? await volume.query((files) => files.readDirectory(current.ino, undefined, pageEntries)) : [];
    const inner = page.find((entry) => entry.kind === 'directory');
    for (const entry of page) {
      if (entry.kind === 'directory') continue;
      await volume.change(changeBlocks.remove, (files) => {
        files.unlink(current.ino, entry.name);
      }, { frees: true });
      removed(childPath(current.path, entry.name));
    }
    if (inner !== undefined) {
      waiting.push({ path: childPath(current.path, inner.name), parent: current.ino, name: inner.name, ino: inner.ino });
      continue;
    }
    if (page.length === pageEntries) continue;
    await volume.change(changeBlocks.remove, (files) => {
      files.removeDirectory(current.parent, current.name);
    }, { frees: true });
    waiting.pop();
    removed(current.path);
  }
  return { entries };
}
