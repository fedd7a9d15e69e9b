import { isFault } from '../base/index.ts';
import { type Device, totalBytes } from './device.ts';

const chunkBytes = 1 << 20;

/** The unit in which what a failing device still gives is told from what it does not. */
const pieceBytes = 4096;

interface Range {
  readonly startBytes: number;
  readonly endBytes: number;
}

/** A range that is being written or copied, and when that has ended. */
interface Work extends Range {
  readonly ended: Promise<unknown>;
}

/**
 * Stands in for a device while its content is copied to another: reads come from
 * the old one, writes and discards go to both. A range is never copied and
 * written at the same time, so that the copy ends with what was written last.
 * The old device stays whole, and what the new one fails to do fails the copying
 * alone. Closing is the owners' business.
 */
export class ReplacedDevice implements Device {
  readonly #old: Device;
  readonly #next: Device;
  readonly #writing = new Set<Work>();
  #copying: Work | undefined;
  #fault: { readonly fault: unknown } | undefined;

  constructor(old: Device, next: Device) {
    this.#old = old;
    this.#next = next;
  }

  get name(): string {
    return this.#old.name;
  }

  get sizeBytes(): number {
    return this.#old.sizeBytes;
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#old.read(offsetBytes, buffers);
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#change(offsetBytes, totalBytes(buffers), (device) => device.write(offsetBytes, buffers));
  }

  async flush(): Promise<void> {
    await Promise.all([this.#old.flush(), this.#onNext((next) => next.flush())]);
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#change(offsetBytes, lengthBytes, (device) => device.discard(offsetBytes, lengthBytes));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Copies a range; `onProgress` is called with the bytes done, and may throw to
   * end it. Resolves to the bytes that the old device did not give, which become
   * zeros. Throws the fault of the new device.
   */
  async copy({ startBytes, endBytes }: Range, onProgress: (bytes: number) => void): Promise<number> {
    const buffer = new Uint8Array(chunkBytes);
    let unreadableBytes = 0;
    for (let at = startBytes; at < endBytes; at += chunkBytes) {
      const part = buffer.subarray(0, Math.min(chunkBytes, endBytes - at));
      unreadableBytes += await this.#copyChunk(at, part);
      this.#throwFault();
      onProgress(part.length);
    }
    return unreadableBytes;
  }

  /** Makes what was copied durable. Throws the fault of the new device, whenever it arose. */
  async finish(): Promise<void> {
    await this.#next.flush();
    this.#throwFault();
  }

  async #copyChunk(offsetBytes: number, part: Uint8Array): Promise<number> {
    const range = { startBytes: offsetBytes, endBytes: offsetBytes + part.length };
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#copying = { ...range, ended: promise };
    try {
      await Promise.all([...this.#writing].filter((work) => overlap(work, range)).map(({ ended }) => ended));
      const unreadableBytes = await this.#readOld(offsetBytes, part);
      if (!(await this.#isZeroAlready(offsetBytes, part))) await this.#next.write(offsetBytes, [part]);
      return unreadableBytes;
    } finally {
      this.#copying = undefined;
      resolve(undefined);
    }
  }

  async #readOld(offsetBytes: number, part: Uint8Array): Promise<number> {
    if (await couldRead(this.#old, offsetBytes, part)) return 0;
    let unreadableBytes = 0;
    for (let at = 0; at < part.length; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      if (await couldRead(this.#old, offsetBytes + at, piece)) continue;
      piece.fill(0);
      unreadableBytes += piece.length;
    }
    return unreadableBytes;
  }

  /** Zeros are not written over zeros, so that sparse devices stay sparse. */
  async #isZeroAlready(offsetBytes: number, part: Uint8Array): Promise<boolean> {
    if (part.some((byte) => byte !== 0)) return false;
    const there = new Uint8Array(part.length);
    return (await couldRead(this.#next, offsetBytes, there)) && there.every((byte) => byte === 0);
  }

  async #change(offsetBytes: number, lengthBytes: number, act: (device: Device) => Promise<void>): Promise<void> {
    const range = { startBytes: offsetBytes, endBytes: offsetBytes + lengthBytes };
    while (this.#copying !== undefined && overlap(this.#copying, range)) await this.#copying.ended;
    const both = Promise.allSettled([act(this.#old), this.#onNext(act)]);
    const work = { ...range, ended: both };
    this.#writing.add(work);
    const [old] = await both;
    this.#writing.delete(work);
    if (old.status === 'rejected') throw old.reason;
  }

  /** Does something on the new device; its fault waits for the copying. */
  async #onNext(act: (next: Device) => Promise<void>): Promise<void> {
    if (this.#fault !== undefined) return;
    try {
      await act(this.#next);
    } catch (fault) {
      this.#fault ??= { fault };
    }
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault.fault;
  }
}

function overlap(a: Range, b: Range): boolean {
  return a.startBytes < b.endBytes && b.startBytes < a.endBytes;
}

async function couldRead(device: Device, offsetBytes: number, into: Uint8Array): Promise<boolean> {
  try {
    await device.read(offsetBytes, [into]);
    return true;
  } catch (fault) {
    if (isFault(fault, 'device-io')) return false;
    throw fault;
  }
}
