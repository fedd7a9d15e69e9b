import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorpointError } from '../../base/index.ts';
import type { DragRequest, MirrorpointClient } from '../../contract/index.ts';
import { localFault } from '../headless/local-faults.ts';
import { checkDragSize, type DragSize, filesOf, measureDrag } from './drag-measure.ts';
import { stagedDragsMax } from './limits.ts';
import { stagedName } from './staged-name.ts';

/**
 * Private copies of items on their way to the file manager, which takes only
 * files that exist. One drag is copied at a time, a newer one ends it; the last
 * few stay, because nobody says when the file manager has taken them.
 */
export class DragStaging implements AsyncDisposable {
  readonly #folder: string;
  readonly #client: MirrorpointClient;
  /** The files of each drag, the oldest first. */
  readonly #staged = new Map<string, readonly string[]>();
  #copying: AbortController | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, client: MirrorpointClient) {
    this.#folder = folder;
    this.#client = client;
  }

  /** Takes over the folder, which nobody else may enter, and removes what an earlier run left in it. */
  static async open(folder: string, client: MirrorpointClient): Promise<DragStaging> {
    await removeTree(folder);
    await makeFolder(folder);
    return new DragStaging(folder, client);
  }

  /** Copies the items. Throws when they are too many or too big, and `cancelled` when another drag began. */
  async stage(request: DragRequest): Promise<{ dragId: string }> {
    this.#copying?.abort();
    const copying = new AbortController();
    this.#copying = copying;
    const staged = this.#last.then(() => this.#stage(request, copying.signal));
    this.#last = staged.catch(() => undefined);
    return staged;
  }

  /** The copies of a drag. Throws `not-found` when they are gone. */
  filesOf(dragId: string): readonly string[] {
    const files = this.#staged.get(dragId);
    if (files !== undefined) return files;
    throw new MirrorpointError('not-found', 'The copies for this drag are gone already. Drag the items again.');
  }

  /** Ends the copying, and removes every copy. Idempotent. */
  async close(): Promise<void> {
    this.#copying?.abort();
    await this.#last;
    this.#staged.clear();
    await removeTree(this.#folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stage(request: DragRequest, signal: AbortSignal): Promise<{ dragId: string }> {
    checkGoesOn(signal);
    const dragId = randomBytes(8).toString('hex');
    const folder = join(this.#folder, dragId);
    try {
      const files = filesOf(this.#client, request);
      await measureDrag(files, request, signal);
      await makeFolder(folder);
      this.#staged.set(dragId, await copyItems(files, { request, folder, signal }));
    } catch (fault) {
      await removeTree(folder);
      checkGoesOn(signal);
      throw fault;
    }
    for (const oldest of this.#staged.keys()) {
      if (this.#staged.size <= stagedDragsMax) break;
      this.#staged.delete(oldest);
      await removeTree(join(this.#folder, oldest));
    }
    return { dragId };
  }
}

function checkGoesOn(signal: AbortSignal): void {
  if (signal.aborted) throw new MirrorpointError('cancelled', 'The drag was given up, because another one began or the window closed. Drag the items again.');
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    throw localFault(path, 'made', cause);
  }
}

/** Copies each item under its own name, in a folder of its own, because two may have one name. */
async function copyItems(
  files: ReturnType<typeof filesOf>,
  options: { request: DragRequest; folder: string; signal: AbortSignal },
): Promise<readonly string[]> {
  const { request, folder, signal } = options;
  const { volume, at } = request;
  const done: DragSize = { entries: 0, bytes: 0 };
  const copies: string[] = [];
  for (const [index, path] of request.paths.entries()) {
    const inside = join(folder, String(index));
    await makeFolder(inside);
    const local = join(inside, stagedName({ path, volume }, process.platform));
    const now: DragSize = { entries: 0, bytes: 0 };
    for await (const event of await files.get({ volume, at, path, local }, { signal })) {
      checkGoesOn(signal);
      if (event.type === 'problem') {
        throw new MirrorpointError(event.code, `${event.path} could not be copied for the drag: ${event.message} Use "Restore to…", which goes on without it.`);
      }
      // What is live may have grown since it was measured.
      now.entries = event.files;
      now.bytes = event.bytes;
      checkDragSize({ entries: done.entries + now.entries, bytes: done.bytes + now.bytes });
    }
    done.entries += now.entries;
    done.bytes += now.bytes;
    copies.push(local);
  }
  return copies;
}

/** Removes a folder with all that is in it, folders that their own modes protect included. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    for (const entry of await readdir(path, { withFileTypes: true, recursive: false }).catch(() => [])) {
      if (entry.isDirectory()) await openUp(join(path, entry.name));
    }
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await openUp(join(folder, entry.name));
}
