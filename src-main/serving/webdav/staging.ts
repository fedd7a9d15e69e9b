import { type CancelTimer, type Clock, isFault, type RandomSource, toHex } from '../../base/index.ts';
import { type Attributes, changeBlocks, type FileReader, rootDirectoryInode } from '../../files/index.ts';
import type { ServedFiles, ServedStates } from '../served-files.ts';
import { emptyStagingMs, pageEntries } from './limits.ts';
import type { Entry } from './resources.ts';

/**
 * The folder in the root of a volume where things are until they are whole, and
 * where they go before they are taken apart. No share shows it.
 */
export const stagingName = '.mirrorpoint-webdav';

const stagingPlace: Entry = { parent: rootDirectoryInode, name: stagingName };

function stagingIn(files: FileReader): number | undefined {
  try {
    const { ino, kind } = files.lookup(stagingPlace.parent, stagingPlace.name);
    return kind === 'directory' ? ino : undefined;
  } catch (thrown) {
    if (isFault(thrown, 'not-found')) return undefined;
    throw thrown;
  }
}

/**
 * What is out of sight in a volume. A name in it is either in use by a request,
 * or is removed: in parts, one after another, whenever something was left here,
 * also what a server that was killed left.
 */
export class Staging implements AsyncDisposable {
  readonly #states: ServedStates;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #used = new Set<string>();
  #sweeping: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;
  #cancelTidying: CancelTimer | undefined;

  constructor(parts: { states: ServedStates; clock: Clock; random: RandomSource }) {
    this.#states = parts.states;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** A free name out of sight, for as long as the work lasts; what is under it then is removed. */
  async beside<T>(files: ServedFiles, work: (place: Entry) => Promise<T>): Promise<T> {
    const name = toHex(this.#random.bytes(12));
    // Before the folder is looked for, which is not removed while one is in use.
    this.#used.add(name);
    try {
      return await work({ parent: await this.#folder(files), name });
    } finally {
      this.#used.delete(name);
      this.#tidyLater();
    }
  }

  /** Something was left here. It is removed by and by. */
  sweep(): void {
    this.#isWanted = true;
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined;
      if (this.#isWanted && !this.#isClosed) this.sweep();
    });
  }

  /** Resolves to whether room has been made since the call. */
  async settled(): Promise<boolean> {
    const sweeping = this.#sweeping;
    await sweeping;
    return sweeping !== undefined;
  }

  /** Ends the removal where it is; what is left goes when the share is opened again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTidying?.();
    // Removals are long; that of an empty folder is not.
    this.#isClosed = true;
    await this.#sweeping;
    await this.#sweepAll();
  }

  #tidyLater(): void {
    this.#cancelTidying?.();
    if (this.#used.size > 0 || this.#isClosed) return;
    this.#cancelTidying = this.#clock.setTimer(emptyStagingMs, () => {
      this.sweep();
    });
  }

  async #folder(files: ServedFiles): Promise<number> {
    const known = await files.query(stagingIn);
    if (known !== undefined) return known;
    try {
      return await files.change(changeBlocks.create, (live) => live.makeDirectory(stagingPlace.parent, stagingPlace.name, { mode: 0o700, uid: 0, gid: 0 }));
    } catch (fault) {
      const made = isFault(fault, 'exists') ? await files.query(stagingIn) : undefined;
      if (made === undefined) throw fault;
      return made;
    }
  }

  /** What cannot be removed now, while the volume takes no changes, is removed at another time. */
  async #sweepAll(): Promise<void> {
    this.#isWanted = false;
    try {
      await using files = await this.#states.openCurrent();
      if (files.isReadOnly) return;
      const folder = await files.query(stagingIn);
      if (folder === undefined) return;
      let after: string | undefined;
      for (;;) {
        const page = await files.query((reader) => reader.readDirectory(folder, after, pageEntries));
        for (const { name, kind } of page) {
          if (this.#isClosed) return;
          if (!this.#used.has(name)) await this.#remove(files, { parent: folder, name }, kind);
        }
        after = page.at(-1)?.name;
        if (page.length < pageEntries) break;
      }
      if (this.#used.size === 0) await this.#removeFolder(files);
    } catch (fault) {
      if (!isFault(fault)) throw fault;
    }
  }

  async #removeFolder(files: ServedFiles): Promise<void> {
    await files.change(changeBlocks.remove, (live) => {
      const folder = stagingIn(live);
      if (folder !== undefined && this.#used.size === 0 && live.stat(folder).sizeBytes === 0) live.removeDirectory(stagingPlace.parent, stagingPlace.name);
    }, { frees: true });
  }

  async #remove(files: ServedFiles, place: Entry, kind: Attributes['kind']): Promise<void> {
    if (kind !== 'directory') return unlink(files, place);
    const ino = await files.query((reader) => reader.lookup(place.parent, place.name).ino);
    const waiting: (Entry & { ino: number })[] = [{ ...place, ino }];
    for (let folder = waiting.at(-1); folder !== undefined && !this.#isClosed; folder = waiting.at(-1)) {
      const { parent, name, ino: current } = folder;
      const page = await files.query((reader) => reader.readDirectory(current, undefined, pageEntries));
      for (const entry of page) if (entry.kind !== 'directory') await unlink(files, { parent: current, name: entry.name });
      const inner = page.find((entry) => entry.kind === 'directory');
      if (inner !== undefined) waiting.push({ parent: current, name: inner.name, ino: inner.ino });
      else if (page.length < pageEntries) {
        waiting.pop();
        await files.change(changeBlocks.remove, (live) => {
          live.removeDirectory(parent, name);
        }, { frees: true });
      }
    }
  }
}

async function unlink(files: ServedFiles, { parent, name }: Entry): Promise<void> {
  await files.change(changeBlocks.remove, (live) => {
    live.unlink(parent, name);
  }, { frees: true });
}
