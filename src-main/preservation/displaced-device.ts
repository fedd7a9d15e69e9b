import type { Device } from '../device/index.ts';
import { BlockNumbers } from './block-numbers.ts';

/**
 * A volume's blocks as one root has them: those that had to make way are read
 * from where they stand now. Writes go to the blocks' own places; it does not
 * own the device underneath.
 */
export class DisplacedDevice implements Device {
  /** Where displaced blocks stand, by their numbers. */
  readonly places = new BlockNumbers();
  readonly #device: Device;
  readonly #blockSizeBytes: number;
  readonly #reading = new Set<Promise<void>>();

  constructor(device: Device, blockSizeBytes: number) {
    this.#device = device;
    this.#blockSizeBytes = blockSizeBytes;
  }

  get name(): string {
    return this.#device.name;
  }

  get sizeBytes(): number {
    return this.#device.sizeBytes;
  }

  async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const reading = this.places.size === 0 ? this.#device.read(offsetBytes, buffers) : this.#readPlaces(offsetBytes, buffers);
    this.#reading.add(reading);
    try {
      await reading;
    } finally {
      this.#reading.delete(reading);
    }
  }

  /** Resolves when every read begun before this call has ended: what it looked for may be written over then. */
  async drainReads(): Promise<void> {
    await Promise.allSettled([...this.#reading]);
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#device.write(offsetBytes, buffers);
  }

  flush(): Promise<void> {
    return this.#device.flush();
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#device.discard(offsetBytes, lengthBytes);
  }

  close(): Promise<void> {
    return this.drainReads();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Reads neighbours that stand beside each other in one call. The buffers are whole blocks. */
  async #readPlaces(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const size = this.#blockSizeBytes;
    const blocks = buffers.flatMap((buffer) =>
      Array.from({ length: buffer.length / size }, (_, index) => buffer.subarray(index * size, (index + 1) * size)),
    );
    const first = offsetBytes / size;
    const placeOf = (index: number): number => this.places.get(first + index) ?? first + index;
    const reads: Promise<void>[] = [];
    for (let start = 0; start < blocks.length; ) {
      const place = placeOf(start);
      let end = start + 1;
      while (end < blocks.length && placeOf(end) === place + (end - start)) end++;
      reads.push(this.#device.read(place * size, blocks.slice(start, end)));
      start = end;
    }
    await Promise.all(reads);
  }
}
