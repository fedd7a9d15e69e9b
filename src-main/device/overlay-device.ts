import { assert } from '../base/index.ts';
import { assertRange, OperationGate, sliceBuffers, totalBytes } from './device.ts';
import type { Device } from './device.ts';
import { settleAll } from './region.ts';

/** Units that a piece of the map of written ones speaks for. */
const pageUnits = 1 << 15;

export interface OverlayDeviceOptions {
  readonly name: string;
  /** Read, never written or flushed; stays open when the overlay is closed. */
  readonly below: Device;
  /** Takes what is written, at the same offsets; as large as the overlay at least. The overlay closes it. */
  readonly above: Device;
  readonly sizeBytes: number;
  /** Every write is of whole units from a multiple of this. */
  readonly unitBytes: number;
}

/**
 * A device that can be written while the one below stays as it is: what was
 * written is read from above, everything else from below. What was written is
 * known in memory alone, a bit for each unit in the stretches that were written,
 * so all of it is forgotten with the object.
 */
export class OverlayDevice implements Device {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #below: Device;
  readonly #above: Device;
  readonly #unitBytes: number;
  readonly #gate = new OperationGate();
  readonly #written = new Map<number, Uint8Array>();

  constructor(options: OverlayDeviceOptions) {
    assert(options.above.sizeBytes >= options.sizeBytes && options.below.sizeBytes >= options.sizeBytes, 'an overlay lies between devices of its size');
    this.name = options.name;
    this.sizeBytes = options.sizeBytes;
    this.#below = options.below;
    this.#above = options.above;
    this.#unitBytes = options.unitBytes;
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(offsetBytes, totalBytes(buffers), async () => {
      const parts = [...this.#parts(offsetBytes, totalBytes(buffers))];
      if (parts.length === 1) {
        await parts[0]!.device.read(offsetBytes, buffers);
        return;
      }
      await settleAll(
        parts.map(({ device, startBytes, lengthBytes }) =>
          device.read(startBytes, sliceBuffers(buffers, startBytes - offsetBytes, lengthBytes)),
        ),
      );
    });
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = totalBytes(buffers);
    return this.#run(offsetBytes, lengthBytes, async () => {
      const isWhole = offsetBytes % this.#unitBytes === 0 && lengthBytes % this.#unitBytes === 0;
      assert(isWhole, `${this.name}: a write must be whole units, not ${lengthBytes} bytes at ${offsetBytes}`);
      await this.#above.write(offsetBytes, buffers);
      for (let at = offsetBytes; at < offsetBytes + lengthBytes; at += this.#unitBytes) this.#mark(at / this.#unitBytes);
    });
  }

  flush(): Promise<void> {
    return this.#run(0, 0, () => this.#above.flush());
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#run(offsetBytes, lengthBytes, async () => {
      const above = [...this.#parts(offsetBytes, lengthBytes)].filter(({ device }) => device === this.#above);
      await settleAll(above.map((part) => this.#above.discard(part.startBytes, part.lengthBytes)));
    });
  }

  close(): Promise<void> {
    return this.#gate.close(() => this.#above.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(offsetBytes: number, lengthBytes: number, task: () => Promise<void>): Promise<void> {
    this.#gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, lengthBytes);
      await task();
    } finally {
      this.#gate.leave();
    }
  }

  /** The longest stretches of a range that come from one device, in order. */
  *#parts(offsetBytes: number, lengthBytes: number): Generator<{ device: Device; startBytes: number; lengthBytes: number }> {
    const end = offsetBytes + lengthBytes;
    for (let start = offsetBytes; start < end; ) {
      let unit = Math.floor(start / this.#unitBytes);
      const isWritten = this.#isMarked(unit);
      do unit++;
      while (unit * this.#unitBytes < end && this.#isMarked(unit) === isWritten);
      const next = Math.min(unit * this.#unitBytes, end);
      yield { device: isWritten ? this.#above : this.#below, startBytes: start, lengthBytes: next - start };
      start = next;
    }
  }

  #isMarked(unit: number): boolean {
    const bit = unit % pageUnits;
    return ((this.#written.get(Math.floor(unit / pageUnits))?.[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  #mark(unit: number): void {
    const number = Math.floor(unit / pageUnits);
    const page = this.#written.get(number) ?? new Uint8Array(pageUnits / 8);
    this.#written.set(number, page);
    const bit = unit % pageUnits;
    page[bit >> 3]! |= 1 << (bit & 7);
  }
}
