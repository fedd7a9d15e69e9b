import type { MirrorVolume } from '../volume/index.ts';
import { gatheredBytesMax, writingBytesMax } from './limits.ts';

interface Piece {
  readonly vbn: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes what arrives to the mirror's devices, with a bounded number of bytes on
 * their way. Blocks and changes of blocks come in messages of their own, each
 * with the gaps that the other fills: some of them are gathered, and go to the
 * devices in order and in long runs.
 */
export class BlockIntake {
  readonly #volume: MirrorVolume;
  readonly #onFault: (fault: unknown) => void;
  readonly #writing = new Set<Promise<void>>();
  #gathered: Piece[] = [];
  #gatheredBytes = 0;
  /** Resolves when what is gathered has been written. */
  #next = Promise.withResolvers<undefined>();
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

  /**
   * Takes whole blocks, which must not change, to be written with what comes
   * next, or when `push` is called. Resolves when they are written or have failed.
   */
  write(vbn: number, bytes: Uint8Array): Promise<void> {
    this.#gathered.push({ vbn, bytes });
    this.#gatheredBytes += bytes.length;
    const { promise } = this.#next;
    if (this.#gatheredBytes >= gatheredBytesMax) this.push();
    return promise;
  }

  /** Begins to write what is gathered. */
  push(): void {
    if (this.#gathered.length === 0) return;
    const [pieces, bytes, { promise, resolve }] = [this.#gathered, this.#gatheredBytes, this.#next];
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#next = Promise.withResolvers<undefined>();
    this.#writingBytes += bytes;
    this.#writing.add(promise);
    void this.#writeRuns(pieces).then(() => {
      this.#writingBytes -= bytes;
      this.#writing.delete(promise);
      resolve(undefined);
    });
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#writingBytes >= writingBytesMax) await Promise.race(this.#writing);
  }

  /** Resolves when every write begun before this call has ended. */
  async drain(): Promise<void> {
    this.push();
    await Promise.all(this.#writing);
  }

  async #writeRuns(pieces: readonly Piece[]): Promise<void> {
    const runs: Promise<void>[] = [];
    const sorted = pieces.toSorted((a, b) => a.vbn - b.vbn);
    for (let first = 0; first < sorted.length; ) {
      const { vbn } = sorted[first]!;
      const buffers: Uint8Array[] = [];
      let next = vbn;
      for (; sorted[first]?.vbn === next; first++) {
        buffers.push(sorted[first]!.bytes);
        next += sorted[first]!.bytes.length / this.#volume.blockSizeBytes;
      }
      runs.push(this.#writeRun(vbn, buffers));
    }
    await Promise.all(runs);
  }

  async #writeRun(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#volume.writeBlocks(vbn, buffers);
    } catch (fault) {
      this.#failed = true;
      this.#onFault(fault);
    }
  }
}
