import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { forget } from './bench-run.ts';
import { run } from './command.ts';

const unmountAttemptsMax = 10;

/** A file system in an image file, mounted at a folder beside it until it is closed. For root. */
export class LoopMount implements AsyncDisposable {
  readonly folder: string;
  readonly #image: string;
  #isClosed = false;

  private constructor(image: string) {
    this.#image = image;
    this.folder = `${image}.mounted`;
  }

  /** `make` is the command that makes the file system, without the image's path. */
  static async make(image: string, options: { sizeBytes: number; make: readonly [string, ...string[]] }): Promise<LoopMount> {
    writeFileSync(image, '', { flag: 'wx' });
    truncateSync(image, options.sizeBytes);
    const [program, ...args] = options.make;
    await run(program, ...args, image);
    const mount = new LoopMount(image);
    mkdirSync(mount.folder);
    await mount.#mount();
    return mount;
  }

  /** Mounts it anew, with nothing of it in the system's memory. */
  async remount(): Promise<void> {
    await this.#unmount();
    await forget(this.#image);
    await this.#mount();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#unmount();
    rmSync(this.folder, { recursive: true });
    rmSync(this.#image);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #mount(): Promise<void> {
    await run('mount', '-o', 'loop', this.#image, this.folder);
  }

  /** Others on the machine, such as an indexer, may be looking at the folder for a moment. */
  async #unmount(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await run('umount', this.folder);
        return;
      } catch (fault) {
        if (attempt === unmountAttemptsMax) throw fault;
        await setTimeout(200);
      }
    }
  }
}
