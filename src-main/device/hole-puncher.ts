import { spawn } from 'node:child_process';
import { RangeSet } from './range-set.ts';
import type { Range } from './range-set.ts';

const pageBytes = 4096;
/** A hole smaller than this is not worth a process; it waits until neighbours make it larger. */
const holeBytesMin = 262_144;
/** Punching begins when so much is worth it. */
const batchBytesMin = 8 * 1_048_576;
/** Small holes beyond this number are forgotten: a discard is a hint. */
const waitingMax = 4096;

/**
 * Gives the room of discarded ranges of a file back to the file system. Node
 * has no call for it, so util-linux's `fallocate` does it: one process at a
 * time, and only for ranges that merged into a hole worth a process. Where it
 * is missing, or the file system knows no holes, nothing happens.
 */
export class HolePuncher {
  readonly #fd: number;
  readonly #waiting = new RangeSet();
  #waitingBytes = 0;
  #running: { range: Range; done: Promise<void> } | undefined;
  #batch: Promise<void> | undefined;
  #unable = process.platform !== 'linux';

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Remembers a range that may become a hole. */
  add(offsetBytes: number, lengthBytes: number): void {
    if (this.#unable) return;
    const start = Math.ceil(offsetBytes / pageBytes) * pageBytes;
    const end = Math.floor((offsetBytes + lengthBytes) / pageBytes) * pageBytes;
    this.#waiting.add(start, end);
    this.#waitingBytes += Math.max(0, end - start);
    if (this.#waiting.count > waitingMax) this.#waiting.dropShorter(holeBytesMin);
    if (this.#waitingBytes >= batchBytesMin) this.#batch ??= this.#punchAll();
  }

  /** A range is about to be written and must not be punched any more; waits for a punch that is under way on it. */
  withdraw(offsetBytes: number, lengthBytes: number): Promise<void> | undefined {
    const end = offsetBytes + lengthBytes;
    if (this.#waiting.count > 0) this.#waiting.remove(offsetBytes, end);
    const running = this.#running;
    return running && running.range.start < end && offsetBytes < running.range.end ? running.done : undefined;
  }

  /** Punches what is worth it and ends. */
  async drain(): Promise<void> {
    await this.#batch;
    await this.#punchAll();
  }

  async #punchAll(): Promise<void> {
    this.#waitingBytes = 0;
    for (;;) {
      const range = this.#unable ? undefined : this.#waiting.take(holeBytesMin);
      if (!range) break;
      const done = this.#punch(range);
      this.#running = { range, done };
      await done;
      this.#running = undefined;
    }
    this.#batch = undefined;
  }

  #punch(range: Range): Promise<void> {
    const place = ['-o', String(range.start), '-l', String(range.end - range.start)];
    // The descriptor is handed on, so that a file renamed meanwhile is still the right one.
    const child = spawn('fallocate', ['--punch-hole', ...place, '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'ignore', this.#fd],
    });
    return new Promise((resolve) => {
      child.once('error', () => {
        this.#unable = true;
        resolve();
      });
      child.once('exit', (code) => {
        if (code !== 0) this.#unable = true;
        resolve();
      });
    });
  }
}
