import * as fs from 'node:fs';
import { assert, MirrorpointError } from '../base/index.ts';
import { assertRange, deviceFault, OperationGate, sliceBuffers, totalBytes } from './device.ts';
import type { Device, DeviceOperation } from './device.ts';

/** Linux takes no more buffers than this in one call (IOV_MAX). */
const buffersPerCallMax = 1024;

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
      await this.#transfer('write', fs.writev, offsetBytes, buffers);
    } finally {
      this.gate.leave();
    }
  }

  /**
   * The operating system may drop what it could not write and report it once
   * only, so a flush that failed can not be made good by another one.
   */
  async flush(): Promise<void> {
    this.gate.enter(this.name);
    try {
      if (this.#flushFault) throw this.#flushFault;
      if (this.readOnly) return;
      await new Promise<void>((resolve, reject) => {
        fs.fdatasync(this.fd, (cause) => {
          if (cause) reject(this.#failedFlush(cause));
          else resolve();
        });
      });
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

  close(): Promise<void> {
    return this.gate.close(async () => {
      await this.beforeClose();
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

  #failedFlush(cause: Error): MirrorpointError {
    this.#flushFault = deviceFault({ name: this.name, operation: 'flush', cause });
    return this.#flushFault;
  }

  async #transfer(
    operation: DeviceOperation,
    call: TransferCall,
    offsetBytes: number,
    buffers: readonly Uint8Array[],
  ): Promise<void> {
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
