import { MirrorpointError } from '../base/index.ts';
import { changeBlocks, type LiveFiles } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';

/**
 * Inodes of the live state that are kept while something works with them by
 * number. Whoever removes their names meanwhile takes nothing away before the
 * work has ended, and their numbers are given to no other file.
 */
export class HeldInodes implements AsyncDisposable {
  readonly #volume: Volume;
  /** How often each is held. */
  readonly #counts = new Map<number, number>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** Holds the inode that the operation returns, in one step with it. */
  async hold(costBlocks: number, operation: (files: LiveFiles) => number): Promise<number> {
    const ino = await this.#volume.change(costBlocks, (files) => {
      const found = operation(files);
      files.open(found);
      return found;
    });
    this.#count(ino);
    return ino;
  }

  /** Holds the inode that an operation finds which changes nothing. */
  async keep(operation: (files: LiveFiles) => number): Promise<number> {
    const ino = await this.#volume.query((files) => {
      const found = operation(files);
      files.open(found);
      return found;
    });
    this.#count(ino);
    return ino;
  }

  /**
   * A change that may take an inode's last name away. The inode that `find` finds is held from before the change on,
   * in one step with it. Resolves to it.
   */
  async holdThrough(costBlocks: number, find: (files: LiveFiles) => number | undefined, operation: (files: LiveFiles) => void): Promise<number | undefined> {
    const ino = await this.#volume.change(costBlocks, (files) => {
      const found = find(files);
      if (found === undefined) {
        operation(files);
        return undefined;
      }
      files.open(found);
      try {
        operation(files);
      } catch (thrown) {
        // It did not happen, or starts again.
        files.close(found);
        throw thrown;
      }
      return found;
    }, { frees: true });
    if (ino !== undefined) this.#count(ino);
    return ino;
  }

  async release(ino: number): Promise<void> {
    const count = this.#counts.get(ino) ?? 0;
    if (count > 1) this.#counts.set(ino, count - 1);
    else this.#counts.delete(ino);
    try {
      await this.#volume.change(changeBlocks.close, (files) => {
        files.close(ino);
      }, { frees: true });
    } catch (fault) {
      // What could not be closed is freed when the volume is opened the next time.
      if (!(fault instanceof MirrorpointError)) throw fault;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [ino, count] of [...this.#counts]) {
      for (let left = count; left > 0; left--) await this.release(ino);
    }
  }

  #count(ino: number): void {
    this.#counts.set(ino, (this.#counts.get(ino) ?? 0) + 1);
  }
}
