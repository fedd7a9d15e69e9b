import * as fs from 'node:fs';
import { sliceBuffers, totalBytes } from './device.ts';
import { settleAll } from './region.ts';

/** A multiple of what any drive and file system wants of the place, the length and the memory of a direct write. */
const alignmentBytes = 4096;

/** Most bytes of one call. */
const chunkBytes = 1 << 20;

/** Calls in flight at most. */
const chunksMax = 8;

const wasmPageBytes = 64 << 10;

/**
 * Writes runs of blocks past the system's cache (`O_DIRECT`), where they would take
 * new memory page by page and push out what others read.
 *
 * A direct write wants memory on a boundary of pages. Node promises none for its
 * buffers, but the memory of WebAssembly begins on one: runs are gathered there.
 * The chunk given back last is used first, so that little of it is ever touched.
 */
export class DirectWriter {
  readonly #fd: number;
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((chunk: Uint8Array) => void)[] = [];
  #hasMemory = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens once more what the descriptor has open; undefined where the system or the file system has no direct writes. */
  static open(fd: number): DirectWriter | undefined {
    if (process.platform !== 'linux') return undefined;
    try {
      return new DirectWriter(fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_DIRECT));
    } catch {
      return undefined;
    }
  }

  /** Whether a write is one for this writer. */
  static takes(offsetBytes: number, lengthBytes: number): boolean {
    return lengthBytes > 0 && offsetBytes % alignmentBytes === 0 && lengthBytes % alignmentBytes === 0;
  }

  /**
   * Writes the buffers one behind the other. They must not change until it
   * resolves. Throws the system's error, after all calls have ended.
   */
  async write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const calls: Promise<void>[] = [];
    const lengthBytes = totalBytes(buffers);
    for (let done = 0; done < lengthBytes; done += chunkBytes) {
      const chunk = this.#take() ?? (await this.#nextFree());
      const chunkLength = Math.min(chunkBytes, lengthBytes - done);
      let filled = 0;
      for (const part of chunkLength === lengthBytes ? buffers : sliceBuffers(buffers, done, chunkLength)) {
        chunk.set(part, filled);
        filled += part.length;
      }
      const call = this.#writeChunk(chunk.subarray(0, chunkLength), offsetBytes + done).finally(() => this.#give(chunk));
      // Its fault is thrown when all have ended.
      call.catch(() => undefined);
      calls.push(call);
    }
    await settleAll(calls);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  async #writeChunk(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    for (let done = 0; done < chunk.length; ) done += await this.#call(chunk.subarray(done), offsetBytes + done);
  }

  #call(bytes: Uint8Array, offsetBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, bytes, 0, bytes.length, offsetBytes, (cause, doneBytes) => {
        if (cause !== null) reject(cause);
        else if (doneBytes === 0) reject(new Error('nothing was written'));
        else resolve(doneBytes);
      });
    });
  }

  #take(): Uint8Array | undefined {
    if (!this.#hasMemory) {
      this.#hasMemory = true;
      const { buffer } = new WebAssembly.Memory({ initial: (chunksMax * chunkBytes) / wasmPageBytes });
      for (let index = chunksMax - 1; index >= 0; index--) this.#free.push(new Uint8Array(buffer, index * chunkBytes, chunkBytes));
    }
    return this.#free.pop();
  }

  #nextFree(): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #give(chunk: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(chunk);
    else next(chunk);
  }
}
