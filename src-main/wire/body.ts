import {
  assert,
  getBigU64,
  getU16,
  getU32,
  getU48,
  getU64,
  MirrorpointError,
  setBigU64,
  setU16,
  setU32,
  setU48,
  setU64,
  u48Max,
} from '../base/index.ts';
import { bodyBytesMax } from './limits.ts';

const initialBytes = 256;

/** The limits of a numeric field, inclusive. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Writes the fields of one message's body. A value outside its field's range is a programmer's fault. */
export class BodyWriter {
  #bytes = new Uint8Array(initialBytes);
  #length = 0;
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  get body(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(count: number): number {
    const offset = this.#length;
    const needed = offset + count;
    if (needed > bodyBytesMax) assert(false, `the body of '${this.#what}' is over ${bodyBytesMax} bytes`);
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(bodyBytesMax, Math.max(needed, this.#bytes.length * 4)));
      larger.set(this.#bytes.subarray(0, offset));
      this.#bytes = larger;
    }
    this.#length = needed;
    return offset;
  }

  #check(field: string, value: number, range: Range, widest: number): void {
    const { min = 0, max = widest } = range;
    // Of the many fields that are written, the text is put together only for one that is wrong.
    if (Number.isInteger(value) && value >= min && value <= Math.min(max, widest)) return;
    assert(false, `'${this.#what}': ${field} is ${value}, outside ${min} to ${Math.min(max, widest)}`);
  }

  u8(field: string, value: number, range: Range = {}): void {
    this.#check(field, value, range, 0xff);
    this.#bytes[this.#room(1)] = value;
  }

  u16(field: string, value: number, range: Range = {}): void {
    this.#check(field, value, range, 0xffff);
    const offset = this.#room(2);
    setU16(this.#bytes, offset, value);
  }

  u32(field: string, value: number, range: Range = {}): void {
    this.#check(field, value, range, 0xffff_ffff);
    const offset = this.#room(4);
    setU32(this.#bytes, offset, value);
  }

  u48(field: string, value: number, range: Range = {}): void {
    this.#check(field, value, range, u48Max);
    const offset = this.#room(6);
    setU48(this.#bytes, offset, value);
  }

  u64(field: string, value: number, range: Range = {}): void {
    this.#check(field, value, range, Number.MAX_SAFE_INTEGER);
    const offset = this.#room(8);
    setU64(this.#bytes, offset, value);
  }

  checksum(field: string, value: bigint): void {
    assert(value >= 0n && value < 1n << 64n, `'${this.#what}': ${field} is no u64`);
    const offset = this.#room(8);
    setBigU64(this.#bytes, offset, value);
  }

  bytes(field: string, value: Uint8Array, range: Range = {}): void {
    this.#check(`the length of ${field}`, value.length, range, bodyBytesMax);
    const offset = this.#room(value.length);
    this.#bytes.set(value, offset);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the fields of one message's body. Whatever is missing, over or out of range fails with 'message-invalid'. */
export class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
  }

  fail(reason: string): never {
    throw new MirrorpointError(
      'message-invalid',
      `The peer sent a '${this.#what}' message that breaks the protocol: ${reason}. The link must be closed; if it happens again, run the same version on both servers.`,
    );
  }

  #take(field: string, count: number): number {
    const offset = this.#offset;
    if (count > this.#bytes.length - offset) this.fail(`it ends before ${field}`);
    this.#offset = offset + count;
    return offset;
  }

  #checked(field: string, value: number, range: Range): number {
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
    if (value < min || value > max) this.fail(`${field} is ${value}, outside ${min} to ${max}`);
    return value;
  }

  u8(field: string, range: Range = {}): number {
    return this.#checked(field, this.#bytes[this.#take(field, 1)]!, range);
  }

  u16(field: string, range: Range = {}): number {
    return this.#checked(field, getU16(this.#bytes, this.#take(field, 2)), range);
  }

  u32(field: string, range: Range = {}): number {
    return this.#checked(field, getU32(this.#bytes, this.#take(field, 4)), range);
  }

  u48(field: string, range: Range = {}): number {
    return this.#checked(field, getU48(this.#bytes, this.#take(field, 6)), range);
  }

  u64(field: string, range: Range = {}): number {
    return this.#checked(field, getU64(this.#bytes, this.#take(field, 8)), range);
  }

  checksum(field: string): bigint {
    return getBigU64(this.#bytes, this.#take(field, 8));
  }

  /** A view of the body. */
  bytes(field: string, count: number): Uint8Array {
    const offset = this.#take(field, count);
    return this.#bytes.subarray(offset, offset + count);
  }

  text(field: string, count: number): string {
    const bytes = this.bytes(field, count);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail(`${field} is not UTF-8`);
    }
  }

  /** The body must end here. */
  end(): void {
    const over = this.#bytes.length - this.#offset;
    if (over > 0) this.fail(`it has ${over} bytes too many`);
  }
}
