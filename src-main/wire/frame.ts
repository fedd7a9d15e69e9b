import {
  assert,
  checksumOf,
  getBigU64,
  getU16,
  getU32,
  MirrorpointError,
  setBigU64,
  setU16,
  setU32,
} from '../base/index.ts';
import { blockDataBytesMax, bodyBytesMax, frameBytesMax, headerBytes } from './limits.ts';

/** The first four bytes of every frame: "MPNT". */
const magic = 0x544e_504d;

const magicOffset = 0;
const typeOffset = 4;
const flagsOffset = 6;
const bodyBytesOffset = 8;
const dataBytesOffset = 12;
const bodyChecksumOffset = 16;
const headerChecksumOffset = 24;

/** What travels in one frame: a body, which the frame's checksum covers, and block data, which it does not. */
export interface Frame {
  readonly type: number;
  readonly body: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * A frame as buffers to send one behind the other: header and body in one, the
 * data's buffers as they are behind it.
 */
export function encodeFrame(type: number, body: Uint8Array, data: readonly Uint8Array[] = []): Uint8Array[] {
  const dataBytes = data.reduce((sum, part) => sum + part.length, 0);
  assert(body.length <= bodyBytesMax, `a frame's body of ${body.length} bytes is over ${bodyBytesMax}`);
  assert(dataBytes <= blockDataBytesMax, `a frame's data of ${dataBytes} bytes is over ${blockDataBytesMax}`);
  const head = new Uint8Array(headerBytes + body.length);
  setU32(head, magicOffset, magic);
  setU16(head, typeOffset, type);
  setU16(head, flagsOffset, 0);
  setU32(head, bodyBytesOffset, body.length);
  setU32(head, dataBytesOffset, dataBytes);
  setBigU64(head, bodyChecksumOffset, checksumOf(body));
  setBigU64(head, headerChecksumOffset, checksumOf(head.subarray(0, headerChecksumOffset)));
  head.set(body, headerBytes);
  return [head, ...data];
}

interface Header {
  readonly type: number;
  readonly bodyBytes: number;
  readonly dataBytes: number;
  readonly bodyChecksum: bigint;
}

/** Checks and takes apart a header. Fails with 'frame-invalid', or 'frame-too-large' when the frame is over the limit. */
function decodeHeader(bytes: Uint8Array, limitBytes: number): Header {
  if (getU32(bytes, magicOffset) !== magic) {
    throw new MirrorpointError(
      'frame-invalid',
      'The peer does not speak this protocol: its bytes do not begin with a frame. Check that the address is the one of a Mirrorpoint server.',
    );
  }
  if (getBigU64(bytes, headerChecksumOffset) !== checksumOf(bytes.subarray(0, headerChecksumOffset))) {
    throw new MirrorpointError(
      'frame-invalid',
      'The header of a frame from the peer is damaged: its checksum does not match. The link must be closed and opened again.',
    );
  }
  const flags = getU16(bytes, flagsOffset);
  if (flags !== 0) {
    throw new MirrorpointError(
      'frame-invalid',
      `A frame from the peer carries flags 0x${flags.toString(16)}, which this version does not know. Update the older of the two servers.`,
    );
  }
  const bodyBytes = getU32(bytes, bodyBytesOffset);
  const dataBytes = getU32(bytes, dataBytesOffset);
  if (bodyBytes > bodyBytesMax || dataBytes > blockDataBytesMax || headerBytes + bodyBytes + dataBytes > limitBytes) {
    throw new MirrorpointError(
      'frame-too-large',
      `The peer announced a frame of ${headerBytes + bodyBytes + dataBytes} bytes (body ${bodyBytes}, data ${dataBytes}), over the limit of ${limitBytes}. The link must be closed.`,
    );
  }
  return { type: getU16(bytes, typeOffset), bodyBytes, dataBytes, bodyChecksum: getBigU64(bytes, bodyChecksumOffset) };
}

/** Payloads from here on are put together in arrays that are used again. */
const lentBytesMin = 256 * 1024;

/** Arrays kept for the next payloads. */
const spareArraysMax = 32;

/**
 * Cuts a stream of bytes into frames, however it is chunked. A frame within one
 * chunk is a view of it; one that spans chunks is copied once, into an array of
 * its own, which `giveBack` lets a later frame use: a megabyte for the garbage
 * collector with each frame costs more than all else that is done here. Holds at most one frame of the limit, and nothing before its header
 * has been checked. After a fault every further chunk meets the same fault.
 */
export class FrameReader {
  /** Largest frame now accepted, header included. May be raised between two frames. */
  limitBytes: number;
  readonly #headerPart = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #header: Header | undefined;
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  #fault: unknown;
  readonly #spare: Uint8Array[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  constructor(options: { limitBytes?: number } = {}) {
    this.limitBytes = options.limitBytes ?? frameBytesMax;
  }

  /** Bytes received for a frame that is not complete yet. */
  get pendingBytes(): number {
    if (this.#header === undefined) return this.#headerFilled;
    return headerBytes + this.#payloadFilled;
  }

  /** The frames that the chunk completes. Fails with 'frame-invalid' or 'frame-too-large'; frames before the bad one are then void. */
  push(chunk: Uint8Array): Frame[] {
    return [...this.read(chunk)];
  }

  /** As push, one frame at a time. The chunk is consumed only as far as the frames are asked for; ask for all of them. */
  *read(bytes: Uint8Array): Generator<Frame, void, void> {
    if (this.#fault !== undefined) throw this.#fault;
    // A plain view, so that frames are no Buffers when the carrier's chunks are.
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = 0;
    try {
      while (offset < chunk.length) {
        if (this.#header === undefined) offset = this.#readHeader(chunk, offset);
        if (this.#header === undefined) return;
        const { bodyBytes, dataBytes } = this.#header;
        const [payload, next] = this.#readPayload(chunk, offset, bodyBytes + dataBytes);
        offset = next;
        if (payload === undefined) return;
        const frame = finishFrame(this.#header, payload);
        this.#header = undefined;
        yield frame;
      }
    } catch (fault) {
      this.#fault = fault;
      throw fault;
    }
  }

  /** Says that nobody reads the data of a frame any more. Not saying so is no fault, and neither is saying it of other bytes. */
  giveBack(data: Uint8Array): void {
    if (!this.#lent.delete(data.buffer) || this.#spare.length >= spareArraysMax) return;
    this.#spare.push(new Uint8Array(data.buffer));
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    if (this.#headerFilled === 0 && chunk.length - offset >= headerBytes) {
      this.#header = decodeHeader(chunk.subarray(offset, offset + headerBytes), this.limitBytes);
      return offset + headerBytes;
    }
    const take = Math.min(headerBytes - this.#headerFilled, chunk.length - offset);
    this.#headerPart.set(chunk.subarray(offset, offset + take), this.#headerFilled);
    this.#headerFilled += take;
    if (this.#headerFilled === headerBytes) {
      this.#header = decodeHeader(this.#headerPart, this.limitBytes);
      this.#headerFilled = 0;
    }
    return offset + take;
  }

  #readPayload(chunk: Uint8Array, offset: number, payloadBytes: number): [Uint8Array | undefined, number] {
    const available = chunk.length - offset;
    if (this.#payload === undefined) {
      if (available >= payloadBytes) return [chunk.subarray(offset, offset + payloadBytes), offset + payloadBytes];
      if (available === 0) return [undefined, offset];
      this.#payload = this.#newPayload(payloadBytes);
      this.#payloadFilled = 0;
    }
    const take = Math.min(payloadBytes - this.#payloadFilled, available);
    this.#payload.set(chunk.subarray(offset, offset + take), this.#payloadFilled);
    this.#payloadFilled += take;
    if (this.#payloadFilled < payloadBytes) return [undefined, offset + take];
    const payload = new Uint8Array(this.#payload.buffer, this.#payload.byteOffset, payloadBytes);
    this.#payload = undefined;
    this.#payloadFilled = 0;
    return [payload, offset + take];
  }

  #newPayload(payloadBytes: number): Uint8Array {
    // Outside Node's pool: a kept small view must not pin other frames' bytes.
    if (payloadBytes < lentBytesMin) return Buffer.allocUnsafeSlow(payloadBytes);
    const payload = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bodyBytesMax + blockDataBytesMax);
    this.#lent.add(payload.buffer);
    return payload;
  }
}

function finishFrame(header: Header, payload: Uint8Array): Frame {
  const body = payload.subarray(0, header.bodyBytes);
  if (checksumOf(body) !== header.bodyChecksum) {
    throw new MirrorpointError(
      'frame-invalid',
      'The body of a frame from the peer is damaged: its checksum does not match. The link must be closed and opened again.',
    );
  }
  return { type: header.type, body, data: payload.subarray(header.bodyBytes) };
}
