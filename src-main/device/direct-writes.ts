import * as fs from 'node:fs';
import { deviceFault, totalBytes } from './device.ts';

/** Places, lengths and memory of direct writes are whole units: no drive in use asks for more. */
const unitBytes = 4096;

/** What is shorter takes less time through the system's memory: past it, each write waits for the drive. */
const directBytesMin = 256 << 10;

const chunkBytes = 1 << 20;
/** As many as there are threads for files. */
const chunksMax = 4;

/** The system, or what the file lies on, does not take such a write. */
const refusals = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Writes past the system's memory (`O_DIRECT`), to a file or drive that is also
 * open in the ordinary way. For what is written in long runs and seldom read: it
 * takes neither the time to find pages for it nor those that others use.
 *
 * A page of the system's memory that is written to while a direct write passes
 * it makes the next flush fail, and a page may reach past the range that was
 * written. So direct writes and others are never under way at the same time.
 */
export class DirectWrites {
  readonly #fd: number;
  readonly #name: string;
  readonly #kinds = new AlternatingKinds();
  #isRefused = false;

  private constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
  }

  /** Undefined where there are none: on other systems than Linux, and on file systems that refuse them. */
  static open(fd: number, name: string): DirectWrites | undefined {
    if (process.platform !== 'linux') return undefined;
    const { O_WRONLY, O_DIRECT, O_NONBLOCK } = fs.constants;
    try {
      return new DirectWrites(fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT | O_NONBLOCK), name);
    } catch {
      return undefined;
    }
  }

  /** Runs a write: directly when it is long, whole units, and the drive takes it; else by `ordinary`, which writes the same. */
  async write(offsetBytes: number, buffers: readonly Uint8Array[], ordinary: () => Promise<void>): Promise<void> {
    if (this.#suits(offsetBytes, totalBytes(buffers)) && (await this.#kinds.run('direct', () => this.#write(offsetBytes, buffers)))) return;
    await this.#kinds.run('ordinary', ordinary);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #suits(offsetBytes: number, lengthBytes: number): boolean {
    return !this.#isRefused && lengthBytes >= directBytesMin && offsetBytes % unitBytes === 0 && lengthBytes % unitBytes === 0;
  }

  /** Resolves to whether it was taken. */
  async #write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<boolean> {
    const source = new Source(buffers);
    const chunk = await alignedChunks.take();
    if (chunk === undefined) return this.#refused();
    try {
      for (let at = offsetBytes, length = source.fill(chunk); length > 0; at += length, length = source.fill(chunk)) {
        for (let done = 0; done < length; ) done += await this.#call(chunk.subarray(done, length), at + done);
      }
      return true;
    } catch (cause) {
      if (refusals.has((cause as NodeJS.ErrnoException).code ?? '')) return this.#refused();
      throw deviceFault({ name: this.#name, operation: 'write', offsetBytes, cause });
    } finally {
      alignedChunks.give(chunk);
    }
  }

  #call(bytes: Uint8Array, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, bytes, 0, bytes.length, at, (cause, doneBytes) => {
        if (cause) reject(cause);
        else if (doneBytes === 0) reject(new Error('it ended early'));
        else resolve(doneBytes);
      });
    });
  }

  #refused(): false {
    this.#isRefused = true;
    return false;
  }
}

/** Bytes of buffers one behind the other. */
class Source {
  readonly #buffers: readonly Uint8Array[];
  #index = 0;
  #within = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
  }

  /** Copies the next bytes into the target; returns how many, fewer than fit at the end. */
  fill(target: Uint8Array): number {
    let filled = 0;
    while (filled < target.length && this.#index < this.#buffers.length) {
      const buffer = this.#buffers[this.#index]!;
      const part = buffer.subarray(this.#within, this.#within + target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#within += part.length;
      if (this.#within < buffer.length) continue;
      this.#index++;
      this.#within = 0;
    }
    return filled;
  }
}

/** Lets tasks of one kind run side by side, and those of two kinds in the order in which the kinds came. */
class AlternatingKinds {
  readonly #running = new Set<Promise<unknown>>();
  #kind = '';
  #start: Promise<unknown> = Promise.resolve();

  run<T>(kind: string, task: () => Promise<T>): Promise<T> {
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#start = Promise.allSettled(this.#running);
    }
    const running = this.#start.then(task);
    this.#running.add(running);
    const forget = (): void => {
      this.#running.delete(running);
    };
    running.then(forget, forget);
    return running;
  }
}

/**
 * Chunks of memory that begin at a page of the machine. WebAssembly's does, which
 * the engine maps in whole pages; were it not so, the system would refuse what is
 * written from it, and all would go the ordinary way.
 */
class AlignedChunks {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((chunk: Uint8Array) => void)[] = [];
  #isMade = false;

  /** Undefined where there is no such memory. */
  async take(): Promise<Uint8Array | undefined> {
    if (!this.#isMade && !this.#make()) return undefined;
    return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(chunk: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(chunk);
    else next(chunk);
  }

  #make(): boolean {
    try {
      const pages = (chunksMax * chunkBytes) / (64 << 10);
      const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
      for (let start = 0; start < buffer.byteLength; start += chunkBytes) this.#free.push(new Uint8Array(buffer, start, chunkBytes));
      this.#isMade = true;
    } catch {
      // The system gives no room for it.
    }
    return this.#isMade;
  }
}

const alignedChunks = new AlignedChunks();
