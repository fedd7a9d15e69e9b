import { formatBytes, MirrorpointError } from '../../base/index.ts';
import { childPath, type DragRequest, listPageMax, type ListedEntry, type MirrorpointClient } from '../../contract/index.ts';
import { dragBytesMax, dragEntriesMax } from './limits.ts';

type Files = Pick<MirrorpointClient['files'], 'stat' | 'list' | 'get'>;

/** The files of the server that has the items: of this one, or of a paired one through it. */
export function filesOf(client: MirrorpointClient, { peer, address }: DragRequest): Files {
  if (peer === undefined) return client.files;
  const { stat, list, get } = client.remote.files;
  const at = { peer, ...(address !== undefined && { address }) };
  return {
    stat: (input, ...rest) => stat({ ...input, ...at }, ...rest),
    list: (input, ...rest) => list({ ...input, ...at }, ...rest),
    get: (input, ...rest) => get({ ...input, ...at }, ...rest),
  };
}

/** What a drag has taken up so far. */
export interface DragSize {
  entries: number;
  bytes: number;
}

/** Throws when a drag takes up more than one may. */
export function checkDragSize({ entries, bytes }: DragSize): void {
  const instead = 'Use "Restore to…", which takes any amount.';
  if (entries > dragEntriesMax) {
    throw new MirrorpointError('argument-invalid', `These are more than ${dragEntriesMax} files and folders, which is the most for a drag to the file manager. ${instead}`);
  }
  if (bytes > dragBytesMax) {
    throw new MirrorpointError('file-too-large', `These files have more than ${formatBytes(dragBytesMax)}, which is the most for a drag to the file manager. ${instead}`);
  }
}

/** Looks through the items, and no further than a drag may take up. Throws when they are more. */
export async function measureDrag(files: Files, request: DragRequest, signal: AbortSignal): Promise<DragSize> {
  const { volume, at, paths } = request;
  const size: DragSize = { entries: 0, bytes: 0 };
  const take = ({ kind, sizeBytes }: Pick<ListedEntry, 'kind' | 'sizeBytes'>): void => {
    size.entries++;
    if (kind === 'file') size.bytes += sizeBytes;
    checkDragSize(size);
  };
  const folders: string[] = [];
  for (const path of paths) {
    const entry = await files.stat({ volume, at, path }, { signal });
    take(entry);
    if (entry.kind === 'directory') folders.push(path);
  }
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await files.list({ volume, at, path: folder, limit: listPageMax, ...(after !== undefined && { after }) }, { signal });
      for (const entry of page.entries) {
        take(entry);
        if (entry.kind === 'directory') folders.push(childPath(folder, entry.name));
      }
      after = page.entries.at(-1)?.name;
      more = page.more && after !== undefined;
    }
  }
  return size;
}
