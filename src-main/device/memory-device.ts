import { assert } from '../base/index.ts';
import { assertRange, OperationGate, sectorBytes, totalBytes } from './device.ts';
import type { Device } from './device.ts';
import { SparseBytes } from './sparse-bytes.ts';

export interface MemoryDeviceOptions {
  name?: string;
  /** Multiple of 512. Memory is used only where something was written, so 16 TiB are possible. */
  sizeBytes: number;
  /** The bytes it starts with, which become its own; empty unless given. */
  bytes?: SparseBytes;
}

/** A device in memory. Every write is durable as long as the object lives. */
export class MemoryDevice implements Device {
  readonly name: string;
  readonly #gate = new OperationGate();
  readonly #bytes: SparseBytes;
  #sizeBytes: number;

  constructor(options: MemoryDeviceOptions) {
    assert(options.sizeBytes > 0 && options.sizeBytes % sectorBytes === 0, 'a device must be whole sectors');
    this.name = options.name ?? 'memory';
    this.#sizeBytes = options.sizeBytes;
    this.#bytes = options.bytes ?? new SparseBytes();
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Bytes of memory that its content takes. */
  get memoryBytes(): number {
    return this.#bytes.ownBytes;
  }

  /** The device opened again after a close: the same bytes, a new object. */
  reopen(): MemoryDevice {
    return new MemoryDevice({ name: this.name, sizeBytes: this.#sizeBytes, bytes: this.#bytes });
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(offsetBytes, totalBytes(buffers), () => {
      let at = offsetBytes;
      for (const buffer of buffers) {
        this.#bytes.read(at, buffer);
        at += buffer.length;
      }
    });
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(offsetBytes, totalBytes(buffers), () => {
      let at = offsetBytes;
      for (const buffer of buffers) {
        this.#bytes.write(at, buffer);
        at += buffer.length;
      }
    });
  }

  flush(): Promise<void> {
    return this.#run(0, 0, () => undefined);
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#run(offsetBytes, lengthBytes, () => {
      this.#bytes.zero(offsetBytes, lengthBytes);
    });
  }

  /** Enlarges the device to the size in bytes. */
  grow(sizeBytes: number): Promise<void> {
    assert(sizeBytes >= this.#sizeBytes && sizeBytes % sectorBytes === 0, `${this.name} can only grow, by whole sectors`);
    this.#sizeBytes = sizeBytes;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#gate.close(() => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
