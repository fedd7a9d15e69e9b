import * as fs from 'node:fs';
import { assert, MirrorpointError } from '../base/index.ts';
import { assertRange, deviceFault, joinNeighbours, OperationGate, sliceBuffers, totalBytes } from './device.ts';
import type { Device, DeviceOperation } from './device.ts';
import { DirectWrites } from './direct-writes.ts';

/** Linux takes no more buffers than this in one call (IOV_MAX). */
const buffersPerCallMax = 1024;

/** Written bytes after which the system is told to begin with them. */
const flushBehindBytes = 8 << 20;

type TransferCall = (
  fd: number,
  buffers: readonly NodeJS.ArrayBufferView[],
  positionBytes: number,
  callback: (error: NodeJS.ErrnoException | null, doneBytes: number) => void,
) => void;

export interface DescriptorDeviceOptions {
  name: string;
  /** An open file descriptor, which the device then owns. */
  fd: number;
  sizeBytes: number;
  readOnly: boolean;
}

/** A device over an open file descriptor: what image files and attached drives share. */
export class DescriptorDevice implements Device {
  readonly name: string;
  readonly readOnly: boolean;
  protected readonly fd: number;
  protected readonly gate = new OperationGate();
  #sizeBytes: number;
  #flushFault: MirrorpointError | undefined;
  #flushing: Promise<void> = Promise.resolve();
  /** The flush that begins when the one under way has ended, for all who ask until then. */
  #nextFlush: Promise<void> | undefined;
  #unflushedBytes = 0;
  #direct: DirectWrites | undefined;

  constructor(options: DescriptorDeviceOptions) {
    this.name = options.name;
    this.readOnly = options.readOnly;
    this.fd = options.fd;
    this.#sizeBytes = options.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  protected set sizeBytes(sizeBytes: number) {
    assert(sizeBytes >= this.#sizeBytes, `${this.name} must not shrink`);
    this.#sizeBytes = sizeBytes;
  }

  async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    this.gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, totalBytes(buffers));
      await this.#transfer('read', fs.readv, offsetBytes, buffers);
    } finally {
      this.gate.leave();
    }
  }

  async write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    this.gate.enter(this.name);
    try {
      const lengthBytes = totalBytes(buffers);
      assertRange(this, offsetBytes, lengthBytes);
      this.checkWritable();
      await this.beforeWrite(offsetBytes, lengthBytes);
      const ordinary = async (): Promise<void> => {
        await this.#transfer('write', fs.writev, offsetBytes, buffers);
        this.#flushBehind(lengthBytes);
      };
      if (this.#direct === undefined) await ordinary();
      else await this.#direct.write(offsetBytes, buffers, ordinary);
    } finally {
      this.gate.leave();
    }
  }

  async flush(): Promise<void> {
    this.gate.enter(this.name);
    try {
      if (!this.readOnly) await this.#flush();
    } finally {
      this.gate.leave();
    }
  }

  /** Ignored here: see what the device says of itself. */
  async discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, lengthBytes);
      this.checkWritable();
      await this.discardRange(offsetBytes, lengthBytes);
    } finally {
      this.gate.leave();
    }
  }

  /** What is written goes past the system's memory then, where it takes that. */
  expectFewReads(): void {
    if (!this.readOnly) this.#direct ??= DirectWrites.open(this.fd, this.name);
  }

  close(): Promise<void> {
    return this.gate.close(async () => {
      await this.#flushing;
      await this.beforeClose();
      this.#direct?.close();
      await new Promise<void>((resolve, reject) => {
        fs.close(this.fd, (cause) => {
          if (cause) reject(deviceFault({ name: this.name, operation: 'flush', cause }));
          else resolve();
        });
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For what must end before a range is written. */
  protected beforeWrite(_offsetBytes: number, _lengthBytes: number): Promise<void> | undefined {
    return undefined;
  }

  protected discardRange(_offsetBytes: number, _lengthBytes: number): Promise<void> | undefined {
    return undefined;
  }

  protected beforeClose(): Promise<void> | undefined {
    return undefined;
  }

  protected checkWritable(): void {
    if (!this.readOnly) return;
    throw new MirrorpointError('not-permitted', `${this.name} is open read-only. Open it for writing to change it.`);
  }

  /** While more is written, the system puts what it has on the medium, so that little is left when a flush is asked for. A fault shows in that one. */
  #flushBehind(lengthBytes: number): void {
    this.#unflushedBytes += lengthBytes;
    if (this.#unflushedBytes >= flushBehindBytes && this.#nextFlush === undefined) this.#flush().catch(() => undefined);
  }

  /**
   * One at a time: the system tells a fault to one of those who flush, and it is
   * the fault of all. It may have dropped what it could not write, so a flush
   * that failed can not be made good by another one.
   */
  #flush(): Promise<void> {
    this.#nextFlush ??= this.#flushing.then(async () => {
      this.#nextFlush = undefined;
      this.#unflushedBytes = 0;
      if (this.#flushFault) throw this.#flushFault;
      await this.#synchronise();
    });
    this.#flushing = this.#nextFlush.catch(() => undefined);
    return this.#nextFlush;
  }

  #synchronise(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, (cause) => {
        if (cause) reject((this.#flushFault = deviceFault({ name: this.name, operation: 'flush', cause })));
        else resolve();
      });
    });
  }

  async #transfer(
    operation: DeviceOperation,
    call: TransferCall,
    offsetBytes: number,
    blocks: readonly Uint8Array[],
  ): Promise<void> {
    const buffers = joinNeighbours(blocks);
    let at = offsetBytes;
    for (let first = 0; first < buffers.length; first += buffersPerCallMax) {
      const whole = buffers.length <= buffersPerCallMax;
      let left = whole ? buffers : buffers.slice(first, first + buffersPerCallMax);
      let leftBytes = totalBytes(left);
      while (leftBytes > 0) {
        const doneBytes = await this.#call(operation, call, at, left);
        at += doneBytes;
        leftBytes -= doneBytes;
        if (leftBytes > 0) left = sliceBuffers(left, doneBytes, leftBytes);
      }
    }
  }

  #call(operation: DeviceOperation, call: TransferCall, at: number, buffers: readonly Uint8Array[]): Promise<number> {
    return new Promise((resolve, reject) => {
      call(this.fd, buffers, at, (error, doneBytes) => {
        const cause = error ?? (doneBytes === 0 ? new EarlyEnd(operation) : undefined);
        if (cause) reject(deviceFault({ name: this.name, operation, offsetBytes: at, cause }));
        else resolve(doneBytes);
      });
    });
  }
}

/** The file or drive ended before its known size: someone else has cut it. */
class EarlyEnd extends Error {
  constructor(operation: DeviceOperation) {
    super(`it ended early during a ${operation}`);
    this.name = 'EarlyEnd';
  }
}
