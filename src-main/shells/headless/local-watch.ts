import { type FSWatcher, watch } from 'node:fs';
import { join, sep } from 'node:path';
import type { LocalWatch, LocalWatchListener } from '../../engine/index.ts';

/** Folders that are watched one by one for one root; the system has a limit of its own. */
const watchedFoldersMax = 100_000;

/** Where the system watches a folder with all below it, at no cost for each. */
const watchesTrees = process.platform === 'darwin' || process.platform === 'win32';

/**
 * Watches local folders. On Linux each folder has a watch of its own: Node's
 * recursive one would take one for each file as well, and miss what comes into
 * a new folder before it has seen that. When the system's queue overflows, Node
 * does not tell; who listens has to compare now and then.
 */
export function machineWatch(root: string, listener: LocalWatchListener, isOfTree = watchesTrees): LocalWatch {
  return isOfTree ? new TreeWatch(root, listener) : new FolderWatches(listener);
}

class FolderWatches implements LocalWatch {
  readonly #listener: LocalWatchListener;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(listener: LocalWatchListener) {
    this.#listener = listener;
  }

  add(folder: string): boolean {
    // The folder may be another one than the watch of that path was made for. The new watch is there before the old one ends.
    const before = this.#watchers.get(folder);
    if (before === undefined && this.#watchers.size >= watchedFoldersMax) return false;
    const watcher = watchOne(folder, { onChange: (name) => this.#listener.changed(folder, name), onFault: () => this.remove(folder) });
    before?.close();
    if (watcher === undefined) {
      this.#watchers.delete(folder);
      return false;
    }
    this.#watchers.set(folder, watcher);
    return true;
  }

  remove(folder: string): void {
    const inside = `${folder}${sep}`;
    for (const [path, watcher] of this.#watchers) {
      if (path !== folder && !path.startsWith(inside)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}

class TreeWatch implements LocalWatch {
  readonly #root: string;
  readonly #listener: LocalWatchListener;
  #watcher: FSWatcher | undefined;

  constructor(root: string, listener: LocalWatchListener) {
    this.#root = root;
    this.#listener = listener;
  }

  /** The root may be another folder than before, so that it is watched anew. */
  add(folder: string): boolean {
    if (folder !== this.#root) return this.#watcher !== undefined;
    const before = this.#watcher;
    this.#watcher = watchOne(folder, {
      isRecursive: true,
      onChange: (path) => {
        const at = path?.lastIndexOf(sep) ?? -1;
        if (path === undefined) this.#listener.lost();
        else if (at < 0) this.#listener.changed(folder, path);
        else this.#listener.changed(join(folder, path.slice(0, at)), path.slice(at + 1));
      },
      onFault: () => {
        this.remove(folder);
        this.#listener.lost();
      },
    });
    before?.close();
    return this.#watcher !== undefined;
  }

  remove(folder: string): void {
    if (folder === this.#root) this.close();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** undefined when the folder is not there, or may not be watched. */
function watchOne(
  folder: string,
  how: { isRecursive?: boolean; onChange: (path: string | undefined) => void; onFault: () => void },
): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false, recursive: how.isRecursive ?? false, encoding: 'utf8' }, (_event, path) => how.onChange(path ?? undefined));
    watcher.on('error', how.onFault);
    return watcher;
  } catch {
    return undefined;
  }
}
