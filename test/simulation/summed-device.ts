import { assertRange, type Device, OperationGate, totalBytes } from '../../src-main/device/index.ts';
import { type SummedBytes, unitBytes } from './summed-bytes.ts';

/** Hears once of each unit that is read and that was not written over, as a whole, since it began to watch. */
export interface ReadWatch {
  onRead(unit: number, sum: number): void;
}

interface Watching {
  readonly watch: ReadWatch;
  /** Units that were heard of, or written over. */
  readonly known: Set<number>;
}

/** A device in memory that knows the checksums of its units and tells which of them were read. */
export class SummedDevice implements Device {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #bytes: SummedBytes;
  readonly #gate = new OperationGate();
  #watching: Watching[] = [];

  constructor(options: { name: string; sizeBytes: number; bytes: SummedBytes }) {
    this.name = options.name;
    this.sizeBytes = options.sizeBytes;
    this.#bytes = options.bytes;
  }

  sumOf(unit: number): number {
    return this.#bytes.sumOf(unit);
  }

  /** Tells the watch of reads until the result is called. */
  watch(watch: ReadWatch): () => void {
    const watching = { watch, known: new Set<number>() };
    this.#watching.push(watching);
    return () => {
      this.#watching = this.#watching.filter((other) => other !== watching);
    };
  }

  /** As if the unit were read: what somebody reports depends on it. */
  note(unit: number): void {
    for (const { watch, known } of this.#watching) {
      if (known.has(unit)) continue;
      known.add(unit);
      watch.onRead(unit, this.sumOf(unit));
    }
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(offsetBytes, totalBytes(buffers), () => {
      const end = offsetBytes + totalBytes(buffers);
      for (let unit = Math.floor(offsetBytes / unitBytes); unit * unitBytes < end; unit++) this.note(unit);
      let at = offsetBytes;
      for (const buffer of buffers) {
        this.#bytes.bytes.read(at, buffer);
        at += buffer.length;
      }
    });
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = totalBytes(buffers);
    return this.#run(offsetBytes, lengthBytes, () => {
      this.#cover(offsetBytes, lengthBytes);
      const bytes = new Uint8Array(lengthBytes);
      let at = 0;
      for (const buffer of buffers) {
        bytes.set(buffer, at);
        at += buffer.length;
      }
      this.#bytes.borrow(offsetBytes, bytes);
    });
  }

  flush(): Promise<void> {
    return this.#run(0, 0, () => undefined);
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#run(offsetBytes, lengthBytes, () => {
      this.#cover(offsetBytes, lengthBytes);
      this.#bytes.zero(offsetBytes, lengthBytes);
    });
  }

  close(): Promise<void> {
    return this.#gate.close(() => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is left of a unit that is changed in part counts as read. */
  #cover(offsetBytes: number, lengthBytes: number): void {
    const end = offsetBytes + lengthBytes;
    for (let unit = Math.floor(offsetBytes / unitBytes); unit * unitBytes < end; unit++) {
      const isWhole = offsetBytes <= unit * unitBytes && end >= (unit + 1) * unitBytes;
      if (isWhole) for (const { known } of this.#watching) known.add(unit);
      else this.note(unit);
    }
  }

  async #run(offsetBytes: number, lengthBytes: number, task: () => void): Promise<void> {
    this.#gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, lengthBytes);
      await Promise.resolve();
      task();
    } finally {
      this.#gate.leave();
    }
  }
}
