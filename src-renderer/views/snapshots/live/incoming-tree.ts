import { MirrorpointError, pathParts } from '../../../../src-main/contract/index.ts';
import { depthMax, incomingEntriesMax } from './limits.ts';

/** A file of the desktop, and where it goes below the folder that it was dropped on. */
export interface IncomingFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly file: File;
}

/** What was dropped or chosen, with folders before what is in them. */
export interface IncomingTree {
  readonly folders: readonly string[];
  readonly files: readonly IncomingFile[];
}

function tooMany(): MirrorpointError {
  return new MirrorpointError(
    'argument-invalid',
    `More than ${incomingEntriesMax} files and folders were given at once, and none was taken. Bring them in by \`mirrorpoint put\`, or in parts.`,
  );
}

function entriesOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => {
    reader.readEntries(resolve, reject);
  });
}

function unreadable(path: string, cause: unknown): MirrorpointError {
  return new MirrorpointError('not-found', `${path} could not be read from this computer: it may have been moved or locked. Nothing was taken. Look for it, and give it again.`, { cause });
}

/** Walks what was dropped. Its entries have to be taken from the event at once, before this. */
export async function treeOfEntries(entries: readonly FileSystemEntry[], signal: AbortSignal): Promise<IncomingTree> {
  const folders: string[] = [];
  const files: IncomingFile[] = [];
  const waiting = entries.map((entry) => ({ entry, path: entry.name }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { entry, path } = next;
    if (signal.aborted) throw new MirrorpointError('cancelled', 'It was cancelled before anything was taken.');
    if (folders.length + files.length >= incomingEntriesMax || pathParts(path).length > depthMax) throw tooMany();
    try {
      if (entry.isDirectory) {
        folders.push(path);
        const reader = (entry as FileSystemDirectoryEntry).createReader();
        // A browser gives a folder in portions, the last of which is empty.
        for (let part = await entriesOf(reader); part.length > 0; part = await entriesOf(reader)) {
          waiting.push(...part.map((inside) => ({ entry: inside, path: `${path}/${inside.name}` })));
          if (waiting.length > incomingEntriesMax) throw tooMany();
        }
      } else {
        const file = await new Promise<File>((resolve, reject) => {
          (entry as FileSystemFileEntry).file(resolve, reject);
        });
        files.push({ path, file });
      }
    } catch (thrown) {
      throw thrown instanceof MirrorpointError ? thrown : unreadable(path, thrown);
    }
  }
  return { folders: folders.sort(), files };
}

/** The tree of files that were chosen by the browser's dialog, which tells the folders by the paths of files alone. */
export function treeOfFiles(chosen: readonly File[]): IncomingTree {
  if (chosen.length > incomingEntriesMax) throw tooMany();
  const files = chosen.map((file) => ({ file, path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath }));
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
  }
  return { folders: [...folders].sort(), files };
}

/** How much there is to send. */
export function bytesOf({ files }: IncomingTree): number {
  return files.reduce((sum, { file }) => sum + file.size, 0);
}
