import { assert, checksumOf, getBigU64, getU32, getU48, bytesEqual, setBigU64, setU32, setU48 } from '../base/index.ts';
import type { Device } from '../device/index.ts';

/** Bytes of a batch's header; see FORMAT.md, "Journal". */
const headerBytes = 64;

/** Batches start on this boundary, so that a torn write of one harms no other. */
const alignmentBytes = 4096;

const magic = 0x4a_42_50_4d; // "MPBJ"

/** Where in the journal a CP leaves off: the first batch after it. */
export interface JournalPosition {
  key: Uint8Array;
  offsetBytes: number;
  batch: number;
}

/** A batch of requests read back at recovery. */
export interface RecoveredBatch {
  /** Sequence number of the first request in it. */
  firstSequence: number;
  requestCount: number;
  payload: Uint8Array;
}

/**
 * The log of requests that were acknowledged as durable since the last CP, in a
 * region of its own (the role of NVRAM in WAFL and of the intent log in ZFS).
 * Batches follow one another round the region; one batch is on its way at a
 * time, so batch n + 1 exists only if batch n is whole. A batch is found again
 * only under the key of the journal's present life.
 *
 * Invariant: nothing from the position of the last durable CP to the head is
 * ever overwritten. When a batch does not fit, the caller takes a CP instead.
 */
export class Journal {
  readonly #region: Device;
  #key: Uint8Array;
  #headBytes: number;
  #batch: number;
  /** The first byte that the last durable CP still needs, and whether anything lies between it and the head. */
  #tailBytes: number;
  #usedBytes = 0;

  constructor(region: Device, position: JournalPosition) {
    this.#region = region;
    this.#key = position.key;
    this.#headBytes = position.offsetBytes;
    this.#tailBytes = position.offsetBytes;
    this.#batch = position.batch;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get sizeBytes(): number {
    return this.#region.sizeBytes;
  }

  /** Where the next batch will stand: the position that a CP frozen now keeps. */
  get position(): JournalPosition {
    return { key: this.#key, offsetBytes: this.#headBytes, batch: this.#batch };
  }

  /** Begins a new life: no batch written before is ours any more. Only when nothing waits for replay. */
  restart(key: Uint8Array): void {
    this.#key = key;
    this.#headBytes = 0;
    this.#tailBytes = 0;
    this.#usedBytes = 0;
    this.#batch = 1;
  }

  /** Whether a payload of this size can be appended now. */
  fits(payloadBytes: number): boolean {
    return this.#place(batchBytes(payloadBytes)) !== undefined;
  }

  /** Writes one batch and flushes it. Calls must not overlap; `fits` must hold. */
  async append(batch: { firstSequence: number; requestCount: number; payload: readonly Uint8Array[] }): Promise<void> {
    const payloadBytes = batch.payload.reduce((sum, part) => sum + part.length, 0);
    const sizeBytes = batchBytes(payloadBytes);
    const place = this.#place(sizeBytes);
    assert(place !== undefined, 'a batch is appended only where it fits');
    const bytes = new Uint8Array(sizeBytes);
    let offset = headerBytes;
    for (const part of batch.payload) {
      bytes.set(part, offset);
      offset += part.length;
    }
    setU32(bytes, 0, magic);
    setU32(bytes, 4, payloadBytes);
    bytes.set(this.#key, 8);
    setU48(bytes, 24, this.#batch);
    setU48(bytes, 32, batch.firstSequence);
    setU32(bytes, 40, batch.requestCount);
    setBigU64(bytes, 48, checksumOf(bytes.subarray(headerBytes, headerBytes + payloadBytes)));
    setBigU64(bytes, 56, checksumOf(bytes.subarray(0, 56)));
    this.#usedBytes += sizeBytes + place.skippedBytes;
    this.#headBytes = (place.offsetBytes + sizeBytes) % this.#region.sizeBytes;
    this.#batch++;
    await this.#region.write(place.offsetBytes, [bytes]);
    await this.#region.flush();
  }

  /** A CP whose position was taken earlier is durable: what lies before it may be overwritten. */
  release(position: JournalPosition): void {
    const { sizeBytes } = this.#region;
    const between = (this.#headBytes - position.offsetBytes + sizeBytes) % sizeBytes;
    // A head that has come round to the tail exactly means full or empty; only batches written since tell which.
    this.#usedBytes = between === 0 && position.batch !== this.#batch ? sizeBytes : between;
    this.#tailBytes = position.offsetBytes;
  }

  /** Reads the whole batches after the position, in order, up to the first that is missing or torn. */
  async *recover(): AsyncGenerator<RecoveredBatch> {
    let { offsetBytes, batch } = this.position;
    for (;;) {
      const found =
        (await this.#read(offsetBytes, batch)) ?? (offsetBytes === 0 ? undefined : await this.#read(0, batch));
      if (found === undefined) return;
      offsetBytes = found.endBytes % this.#region.sizeBytes;
      batch++;
      yield found;
    }
  }

  #place(sizeBytes: number): { offsetBytes: number; skippedBytes: number } | undefined {
    const regionBytes = this.#region.sizeBytes;
    const freeBytes = regionBytes - this.#usedBytes;
    const toEnd = regionBytes - this.#headBytes;
    if (sizeBytes <= toEnd) {
      return sizeBytes <= freeBytes ? { offsetBytes: this.#headBytes, skippedBytes: 0 } : undefined;
    }
    return toEnd + sizeBytes <= freeBytes && sizeBytes <= this.#tailOrEnd()
      ? { offsetBytes: 0, skippedBytes: toEnd }
      : undefined;
  }

  #tailOrEnd(): number {
    return this.#usedBytes === 0 ? this.#region.sizeBytes : this.#tailBytes;
  }

  async #read(offsetBytes: number, batch: number): Promise<(RecoveredBatch & { endBytes: number }) | undefined> {
    const regionBytes = this.#region.sizeBytes;
    if (offsetBytes + alignmentBytes > regionBytes) return undefined;
    const first = new Uint8Array(alignmentBytes);
    await this.#region.read(offsetBytes, [first]);
    const isOurs =
      getU32(first, 0) === magic &&
      getBigU64(first, 56) === checksumOf(first.subarray(0, 56)) &&
      bytesEqual(first.subarray(8, 24), this.#key) &&
      getU48(first, 24) === batch;
    if (!isOurs) return undefined;
    const payloadBytes = getU32(first, 4);
    const sizeBytes = batchBytes(payloadBytes);
    if (offsetBytes + sizeBytes > regionBytes) return undefined;
    const bytes = new Uint8Array(sizeBytes);
    await this.#region.read(offsetBytes, [bytes]);
    const payload = bytes.subarray(headerBytes, headerBytes + payloadBytes);
    if (checksumOf(payload) !== getBigU64(first, 48)) return undefined;
    return {
      firstSequence: getU48(first, 32),
      requestCount: getU32(first, 40),
      payload,
      endBytes: offsetBytes + sizeBytes,
    };
  }
}

function batchBytes(payloadBytes: number): number {
  return Math.ceil((headerBytes + payloadBytes) / alignmentBytes) * alignmentBytes;
}
