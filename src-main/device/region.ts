import { assert } from '../base/index.ts';
import { assertRange, OperationGate, sliceBuffers, totalBytes } from './device.ts';
import type { Device } from './device.ts';
import { DeviceErrorCounts } from './device-errors.ts';

/** A stretch of a device. */
export interface Extent {
  readonly device: Device;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

interface PlacedExtent extends Extent {
  /** Where the stretch begins in the region. */
  readonly startBytes: number;
}

/**
 * Stretches of devices put one behind the other and used as one device. Closing
 * a region leaves the devices open: they belong to the set.
 */
export class Region implements Device {
  readonly name: string;
  readonly #gate = new OperationGate();
  readonly #errors: DeviceErrorCounts;
  readonly #running = new Set<Promise<unknown>>();
  #extents: PlacedExtent[] = [];
  #devices: Device[] = [];
  #sizeBytes = 0;

  /** `errors` counts what the devices fail to do. */
  constructor(name: string, extents: readonly Extent[], errors = new DeviceErrorCounts()) {
    this.name = name;
    this.#errors = errors;
    this.replace(extents);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Resolves when every operation begun before this call has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running]);
  }

  /** Takes a list of stretches, as long or longer, whose beginning holds the same bytes as before. */
  replace(extents: readonly Extent[]): void {
    const placed: PlacedExtent[] = [];
    let startBytes = 0;
    for (const extent of extents) {
      placed.push({ ...extent, startBytes });
      startBytes += extent.lengthBytes;
    }
    assert(startBytes >= this.#sizeBytes, `${this.name} must not shrink`);
    this.#extents = placed;
    this.#sizeBytes = startBytes;
    this.#devices = [...new Set(extents.map((extent) => extent.device))];
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer(offsetBytes, buffers, (device, at, part) => this.#errors.watch(device, 'reads', device.read(at, part)));
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer(offsetBytes, buffers, (device, at, part) => this.#errors.watch(device, 'writes', device.write(at, part)));
  }

  async flush(): Promise<void> {
    this.#gate.enter(this.name);
    try {
      await settleAll(this.#devices.map((device) => this.#errors.watch(device, 'flushes', device.flush())));
    } finally {
      this.#gate.leave();
    }
  }

  async discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, lengthBytes);
      const parts = this.#parts(offsetBytes, lengthBytes);
      await this.#run(parts.map((part) => part.device.discard(part.offsetBytes, part.lengthBytes)));
    } finally {
      this.#gate.leave();
    }
  }

  close(): Promise<void> {
    return this.#gate.close(() => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #transfer(
    offsetBytes: number,
    buffers: readonly Uint8Array[],
    act: (device: Device, offsetBytes: number, part: readonly Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    this.#gate.enter(this.name);
    try {
      const lengthBytes = totalBytes(buffers);
      assertRange(this, offsetBytes, lengthBytes);
      const parts = this.#parts(offsetBytes, lengthBytes);
      const only = parts.length === 1 ? parts[0] : undefined;
      if (only) {
        await this.#run([act(only.device, only.offsetBytes, buffers)]);
        return;
      }
      let done = 0;
      const running = parts.map((part) => {
        const piece = sliceBuffers(buffers, done, part.lengthBytes);
        done += part.lengthBytes;
        return act(part.device, part.offsetBytes, piece);
      });
      await this.#run(running);
    } finally {
      this.#gate.leave();
    }
  }

  async #run(parts: readonly Promise<void>[]): Promise<void> {
    const all = settleAll(parts);
    this.#running.add(all);
    try {
      await all;
    } finally {
      this.#running.delete(all);
    }
  }

  /** The stretches of devices that a range of the region is made of, in order. */
  #parts(offsetBytes: number, lengthBytes: number): Extent[] {
    const parts: Extent[] = [];
    let at = offsetBytes;
    const end = offsetBytes + lengthBytes;
    for (let index = this.#extentAt(offsetBytes); at < end; index++) {
      const extent = this.#extents[index]!;
      const within = at - extent.startBytes;
      const length = Math.min(extent.lengthBytes - within, end - at);
      parts.push({ device: extent.device, offsetBytes: extent.offsetBytes + within, lengthBytes: length });
      at += length;
    }
    return parts;
  }

  #extentAt(offsetBytes: number): number {
    let low = 0;
    let high = this.#extents.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#extents[middle]!.startBytes <= offsetBytes) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Waits for all to end, so that no buffer is still in use, then throws the first fault. */
export async function settleAll(running: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(running);
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason as unknown;
  }
}
