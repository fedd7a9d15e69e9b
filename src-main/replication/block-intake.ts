import type { MirrorVolume } from '../volume/index.ts';
import { writingBytesMax } from './limits.ts';

/** Writes what arrives to the mirror's devices, with a bounded number of bytes on their way. */
export class BlockIntake {
  readonly #volume: MirrorVolume;
  readonly #onFault: (fault: unknown) => void;
  readonly #writing = new Set<Promise<void>>();
  #writingBytes = 0;
  #failed = false;

  constructor(volume: MirrorVolume, onFault: (fault: unknown) => void) {
    this.#volume = volume;
    this.#onFault = onFault;
  }

  /** A write has failed; what was given is not known to be on the devices. */
  get hasFailed(): boolean {
    return this.#failed;
  }

  /** Writes whole blocks, which must not change. Resolves when they are written or have failed. */
  write(vbn: number, bytes: Uint8Array): Promise<void> {
    this.#writingBytes += bytes.length;
    const writing = this.#volume
      .writeBlocks(vbn, [bytes])
      .catch((fault: unknown) => {
        this.#failed = true;
        this.#onFault(fault);
      })
      .then(() => {
        this.#writingBytes -= bytes.length;
        this.#writing.delete(writing);
      });
    this.#writing.add(writing);
    return writing;
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#writingBytes >= writingBytesMax) await Promise.race(this.#writing);
  }

  /** Resolves when every write begun before this call has ended. */
  async drain(): Promise<void> {
    await Promise.all(this.#writing);
  }
}
