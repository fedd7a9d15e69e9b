import { isFault, Mutex } from '../base/index.ts';
import { type AttributeChanges, type Attributes, changeBlocks, type FileReader, type LiveFiles, type NewFile } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { HeldInodes } from './held-inodes.ts';
import { existingEntry } from './readable-root.ts';
import { type Part, partsOfData } from './sparse.ts';
import type { TemporaryNames } from './temporary-names.ts';

/** A name in a folder of the volume. */
export interface EntryPlace {
  readonly parent: number;
  readonly name: string;
}

/** What a new entry is given beside its content. */
export type EntryAttributes = Required<NewFile> & Pick<AttributeChanges, 'modifiedNs'>;

export interface Placing {
  /** Whether something of the name is there and is to give way. */
  readonly replace: boolean;
  /** What is done with the new entry before its name can be seen. */
  readonly finish?: ((ino: number) => Promise<void>) | undefined;
}

export function attributesOf(entry: EntryAttributes): AttributeChanges {
  const { mode, uid, gid, modifiedNs } = entry;
  return { mode, uid, gid, ...(modifiedNs !== undefined && { modifiedNs }) };
}

export function existingEntries(files: FileReader, parent: number, names: readonly string[]): (Attributes | undefined)[] {
  return names.map((name) => existingEntry(files, parent, name));
}

/**
 * Brings entries into the live state of a volume. Each appears under its name
 * whole or not at all, and takes the place of an older one in one step. What it
 * works with by number is held until it is released, or the writer closed.
 */
export class VolumeWriter implements AsyncDisposable {
  readonly volume: Volume;
  /** Zeros of this length become holes. */
  readonly grainBytes: number;
  readonly #names: TemporaryNames;
  readonly #changes = new Mutex();
  readonly #held: HeldInodes;

  constructor(open: { volume: Volume; temporaryNames: TemporaryNames }) {
    this.volume = open.volume;
    this.grainBytes = open.volume.geometry.blockSizeBytes;
    this.#names = open.temporaryNames;
    this.#held = new HeldInodes(open.volume);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held[Symbol.asyncDispose]();
  }

  /**
   * Changes go in one by one, so that the volume weighs each against the room
   * that the one before has left; they would not be faster side by side.
   */
  change<T>(costBlocks: number, operation: (files: LiveFiles) => T, options?: { frees: boolean }): Promise<T> {
    return this.#changes.run(() => this.volume.change(costBlocks, operation, options));
  }

  /** A change whose inode is kept until it is released. */
  hold(costBlocks: number, operation: (files: LiveFiles) => number): Promise<number> {
    return this.#changes.run(() => this.#held.hold(costBlocks, operation));
  }

  /** Keeps the inode that an operation finds which changes nothing. */
  keep(operation: (files: LiveFiles) => number): Promise<number> {
    return this.#held.keep(operation);
  }

  release(ino: number): Promise<void> {
    return this.#held.release(ino);
  }

  /** Makes an entry in one step when its name is free and nothing is to be done before, else beside it, to put it in its place then. */
  async place(at: EntryPlace, costBlocks: number, make: (files: LiveFiles, name: string) => number, how: Placing): Promise<number> {
    const { parent, name } = at;
    const { replace, finish } = how;
    if (!replace && finish === undefined) return this.change(costBlocks, (files) => make(files, name));
    return this.#beside(at, async (temporary) => {
      const ino = await this.change(costBlocks, (files) => make(files, temporary));
      await finish?.(ino);
      await this.change(changeBlocks.rename, (files) => {
        files.rename({ parent, name: temporary }, { parent, name }, { noReplace: !replace });
      });
      return ino;
    });
  }

  /** Puts a file in whose content is here as a whole. */
  putWhole(at: EntryPlace, file: { attributes: EntryAttributes; bytes: Uint8Array; parts: readonly Part[] }, how: Placing): Promise<number> {
    const { attributes, bytes, parts } = file;
    const costBlocks = changeBlocks.create + changeBlocks.write(bytes.length, this.grainBytes) + parts.length + 2;
    return this.place(at, costBlocks, (files, name) => {
      const made = files.createFile(at.parent, name, attributes);
      // Nothing of a new file has to be read, so all of this is one step.
      for (const { start, end } of parts) files.write(made, start, bytes.subarray(start, end));
      if ((parts.at(-1)?.end ?? 0) < bytes.length) files.truncate(made, bytes.length);
      files.setAttributes(made, attributesOf(attributes));
      return made;
    }, how);
  }

  putSymlink(at: EntryPlace, link: { target: string; attributes: EntryAttributes }, how: Placing): Promise<number> {
    const { target, attributes } = link;
    return this.place(at, changeBlocks.symlink, (files, name) => {
      const made = files.symlink(at.parent, name, target, attributes);
      files.setAttributes(made, attributesOf(attributes));
      return made;
    }, how);
  }

  /** Gives a file that is here a further name. */
  async putLink(at: EntryPlace, ino: number, how: Placing): Promise<void> {
    await this.place(at, changeBlocks.create, (files, name) => {
      files.link(ino, at.parent, name);
      return ino;
    }, how);
  }

  /** Content in pieces, under a name of its own until it is whole; what an interrupted writer left there goes. */
  async openFile(at: EntryPlace): Promise<FileInParts> {
    const { parent, name } = at;
    const temporary = this.#names.take(parent, name);
    try {
      await this.#removeLeftover(parent, temporary);
      const ino = await this.hold(changeBlocks.create, (files) => files.createFile(parent, temporary, { mode: 0o600, uid: 0, gid: 0 }));
      return new FileInParts(this, { parent, temporary, ino }, async (isPlaced) => {
        try {
          if (!isPlaced) await this.#clearAway(parent, temporary);
          await this.release(ino);
        } finally {
          this.#names.giveBack(parent, temporary);
        }
      });
    } catch (fault) {
      this.#names.giveBack(parent, temporary);
      throw fault;
    }
  }

  /** Does something under a temporary name, under which nothing is left in the end. */
  async #beside<T>({ parent, name }: EntryPlace, work: (temporary: string) => Promise<T>): Promise<T> {
    const temporary = this.#names.take(parent, name);
    try {
      await this.#removeLeftover(parent, temporary);
      try {
        return await work(temporary);
      } catch (fault) {
        await this.#clearAway(parent, temporary);
        throw fault;
      }
    } finally {
      this.#names.giveBack(parent, temporary);
    }
  }

  /** After a fault, which counts more than one of this: what cannot be removed goes at the next try. */
  async #clearAway(parent: number, temporary: string): Promise<void> {
    try {
      await this.#removeLeftover(parent, temporary);
    } catch (fault) {
      if (!isFault(fault)) throw fault;
    }
  }

  /** Removes what stands under the temporary name. */
  async #removeLeftover(parent: number, temporary: string): Promise<void> {
    const isThere = await this.volume.query((files) => existingEntries(files, parent, [temporary])[0] !== undefined);
    if (!isThere) return;
    await this.change(changeBlocks.remove, (files) => {
      files.unlink(parent, temporary);
    }, { frees: true });
  }
}

/** A file of the volume that gets its name when it is whole. */
export class FileInParts implements AsyncDisposable {
  readonly ino: number;
  readonly #writer: VolumeWriter;
  readonly #parent: number;
  readonly #temporary: string;
  readonly #end: (isPlaced: boolean) => Promise<void>;
  #isPlaced = false;
  #closing: Promise<void> | undefined;

  constructor(writer: VolumeWriter, at: { parent: number; temporary: string; ino: number }, end: (isPlaced: boolean) => Promise<void>) {
    this.#writer = writer;
    this.#parent = at.parent;
    this.#temporary = at.temporary;
    this.ino = at.ino;
    this.#end = end;
  }

  /** At most 1 MiB. */
  async write(offsetBytes: number, bytes: Uint8Array, parts: readonly Part[] = partsOfData(bytes, this.#writer.grainBytes)): Promise<void> {
    const costBlocks = changeBlocks.write(bytes.length, this.#writer.grainBytes) + 2 * parts.length;
    await this.#writer.change(costBlocks, (files) => {
      for (const { start, end } of parts) files.write(this.ino, offsetBytes + start, bytes.subarray(start, end));
    });
  }

  /** Gives it its length and attributes; its name is still to come. */
  async finish(sizeBytes: number, attributes: EntryAttributes): Promise<void> {
    await this.#writer.change(changeBlocks.truncate, (files) => {
      files.truncate(this.ino, sizeBytes);
    });
    await this.#writer.change(changeBlocks.setAttributes, (files) => {
      files.setAttributes(this.ino, attributesOf(attributes));
    });
  }

  /** Gives it its name. Throws `exists` when that is taken and is not to give way; it may be tried again with another. */
  async name(name: string, options: { replace: boolean }): Promise<void> {
    const parent = this.#parent;
    await this.#writer.change(changeBlocks.rename, (files) => {
      files.rename({ parent, name: this.#temporary }, { parent, name }, { noReplace: !options.replace });
    });
    this.#isPlaced = true;
  }

  /** Removes it unless it has its name. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end(this.#isPlaced);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
