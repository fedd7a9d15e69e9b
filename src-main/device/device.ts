import { assert, MirrorpointError } from '../base/index.ts';

/** Every offset and length on a device is a multiple of this. */
export const sectorBytes = 512;

/**
 * The device port: a space of bytes that survives. Several operations may be in
 * flight at once; operations whose ranges overlap must not be, unless all read.
 *
 * Offsets and total lengths are bytes, multiples of 512. A range outside the
 * device is a programmer's fault and asserts. Operating faults are
 * `device-io`, `device-full` and, after `close`, `device-closed`.
 */
export interface Device {
  /** What messages call it: a path, or `set of ...`. */
  readonly name: string;
  /** May grow while the device is open, and never shrinks. */
  readonly sizeBytes: number;
  /** Fills all buffers with the bytes that follow each other from the offset, or throws. */
  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void>;
  /** Writes all buffers one behind the other from the offset. They must not change until it resolves. */
  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void>;
  /** Makes every write that has completed durable. Once it has failed it fails until the device is opened anew. */
  flush(): Promise<void>;
  /** A hint that the content is no longer needed: it becomes zeros or stays as it was, sector by sector. */
  discard(offsetBytes: number, lengthBytes: number): Promise<void>;
  /** A hint that what is written from now on will seldom be read. Left out: nothing is made of it. */
  expectFewReads?(): void;
  /** Waits for the operations in flight. Idempotent; does not flush. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The bytes that the buffers hold together. */
export function totalBytes(buffers: readonly Uint8Array[]): number {
  let total = 0;
  for (const buffer of buffers) total += buffer.length;
  return total;
}

/** Asserts that a range is whole sectors inside the device. */
export function assertRange(device: Device, offsetBytes: number, lengthBytes: number): void {
  const aligned = offsetBytes % sectorBytes === 0 && lengthBytes % sectorBytes === 0;
  assert(aligned, () => `${device.name}: a range must be whole sectors, not ${lengthBytes} bytes at ${offsetBytes}`);
  const inside = offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes + lengthBytes <= device.sizeBytes;
  assert(inside, () => `${device.name}: ${lengthBytes} bytes at ${offsetBytes} lie outside its ${device.sizeBytes} bytes`);
}

/** The buffers cut to `lengthBytes` from `skipBytes` on, without copying. */
export function sliceBuffers(
  buffers: readonly Uint8Array[],
  skipBytes: number,
  lengthBytes: number,
): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  let skip = skipBytes;
  let left = lengthBytes;
  for (const buffer of buffers) {
    if (left === 0) break;
    if (skip >= buffer.length) {
      skip -= buffer.length;
      continue;
    }
    const end = Math.min(buffer.length, skip + left);
    out.push(skip === 0 && end === buffer.length ? buffer : buffer.subarray(skip, end));
    left -= end - skip;
    skip = 0;
  }
  assert(left === 0, 'the buffers must hold the slice');
  return out;
}

/** The same bytes in as few buffers as can be: neighbours in memory become one. */
export function joinNeighbours(buffers: readonly Uint8Array[]): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let first = 0, end = 1; first < buffers.length; first = end, end++) {
    while (end < buffers.length && areNeighbours(buffers[end - 1]!, buffers[end]!)) end++;
    const { buffer, byteOffset } = buffers[first]!;
    const last = buffers[end - 1]!;
    out.push(end === first + 1 ? last : new Uint8Array(buffer, byteOffset, last.byteOffset + last.length - byteOffset));
  }
  return out;
}

/** Whether one begins in memory where the other ends. */
export function areNeighbours(one: Uint8Array, other: Uint8Array): boolean {
  return other.byteOffset === one.byteOffset + one.length && other.buffer === one.buffer;
}

export type DeviceOperation = 'read' | 'write' | 'flush' | 'discard' | 'open' | 'grow';

const operationNouns: Record<DeviceOperation, string> = {
  read: 'reading',
  write: 'writing',
  flush: 'flushing',
  discard: 'discarding',
  open: 'opening',
  grow: 'growing',
};

function causeCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The operating fault for a failed operation: `device-full` when there was no room, else `device-io`. */
export function deviceFault(options: {
  name: string;
  operation: DeviceOperation;
  offsetBytes?: number;
  cause: unknown;
}): MirrorpointError {
  const { name, operation, offsetBytes, cause } = options;
  const where = offsetBytes === undefined ? '' : ` at byte ${offsetBytes}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = causeCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    const text = `${name}: ${operationNouns[operation]}${where} found no room (${reason}). Free space there, then try again.`;
    return new MirrorpointError('device-full', text, { cause });
  }
  const text = `${name}: ${operationNouns[operation]}${where} failed (${reason}). Check the drive and the system log.`;
  return new MirrorpointError('device-io', text, { cause });
}

/**
 * Counts the operations in flight, so that a close waits for them and what
 * comes after it is refused with `device-closed`.
 */
export class OperationGate {
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Asserts nothing about the range; throws `device-closed` after close. Every enter needs one leave. */
  enter(name: string): void {
    if (this.#closing) throw new MirrorpointError('device-closed', `${name} is closed. Open it again to use it.`);
    this.#inFlight++;
  }

  leave(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.#drained?.();
  }

  /** Refuses new operations, waits for those in flight, then releases once; later calls share the first's end. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#drain().then(release);
    return this.#closing;
  }

  #drain(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}
