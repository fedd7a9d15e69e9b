import { describe, expect, it } from 'vitest';
import {
  bytesEqual,
  checksumOf,
  formatBytes,
  fromHex,
  getBigU64,
  getU16,
  getU32,
  getU48,
  getU48BigEndian,
  getU64,
  isZero,
  SeededRandom,
  setBigU64,
  setU16,
  setU32,
  setU48,
  setU48BigEndian,
  setU64,
  toHex,
  u48Max,
} from '../../src-main/base/index.ts';

/** Values at which bytes and signs change, and some between. */
function valuesBelow(bits: number, random: SeededRandom): number[] {
  const values = [0, 1];
  for (let bit = 7; bit <= bits; bit++) values.push(2 ** bit - 1, 2 ** bit, 2 ** bit + 1);
  for (let count = 0; count < 200; count++) values.push(Math.floor(random.next() * 2 ** bits));
  return values.filter((value) => value < 2 ** bits);
}

describe('integers in bytes', () => {
  const random = new SeededRandom(1);

  it.each([
    { name: 'u16', bits: 16, sizeBytes: 2, set: setU16, get: getU16, view: (v: DataView) => v.getUint16(3, true) },
    { name: 'u32', bits: 32, sizeBytes: 4, set: setU32, get: getU32, view: (v: DataView) => v.getUint32(3, true) },
    {
      name: 'u48',
      bits: 48,
      sizeBytes: 6,
      set: setU48,
      get: getU48,
      view: (v: DataView) => v.getUint32(3, true) + v.getUint16(7, true) * 2 ** 32,
    },
    {
      name: 'u48, big-endian',
      bits: 48,
      sizeBytes: 6,
      set: setU48BigEndian,
      get: getU48BigEndian,
      view: (v: DataView) => v.getUint16(3) * 2 ** 32 + v.getUint32(5),
    },
    { name: 'u64', bits: 53, sizeBytes: 8, set: setU64, get: getU64, view: (v: DataView) => Number(v.getBigUint64(3, true)) },
  ])('$name is read as written, at any offset, and touches no other byte', ({ bits, sizeBytes, set, get, view }) => {
    for (const value of valuesBelow(bits, random)) {
      const bytes = new Uint8Array(16).fill(0xa5);
      set(bytes, 3, value);
      expect(get(bytes, 3)).toBe(value);
      expect(view(new DataView(bytes.buffer))).toBe(value);
      expect([...bytes.subarray(0, 3), ...bytes.subarray(3 + sizeBytes)]).toEqual(Array<number>(16 - sizeBytes).fill(0xa5));
    }
  });

  it('of 64 bits are whole as bigints', () => {
    const bytes = new Uint8Array(11);
    for (const value of [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      setBigU64(bytes, 2, value);
      expect(getBigU64(bytes, 2)).toBe(value);
      expect(new DataView(bytes.buffer).getBigUint64(2, true)).toBe(value);
    }
  });

  it('beyond 53 bits do not pass for smaller ones', () => {
    const bytes = new Uint8Array(8).fill(0xff);
    expect(getU64(bytes, 0)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  });

  it('in big-endian order sort as bytes like numbers', () => {
    const values = valuesBelow(48, random).sort((a, b) => a - b);
    const keys = values.map((value) => {
      const key = new Uint8Array(6);
      setU48BigEndian(key, 0, value);
      return key;
    });
    for (let index = 1; index < keys.length; index++) {
      expect(Math.sign(Buffer.compare(keys[index - 1]!, keys[index]!))).toBe(Math.sign(values[index - 1]! - values[index]!));
    }
    expect(values.at(-1)).toBeLessThanOrEqual(u48Max);
  });
});

describe('byte arrays', () => {
  it('compare by content, wherever they lie', () => {
    const whole = new Uint8Array([0, 1, 2, 3, 1, 2, 3]);
    expect(bytesEqual(whole.subarray(1, 4), whole.subarray(4))).toBe(true);
    expect(bytesEqual(whole.subarray(1, 4), whole.subarray(3, 6))).toBe(false);
    expect(bytesEqual(whole.subarray(1, 4), whole.subarray(1, 3))).toBe(false);
  });

  it('are zero only when every byte is', () => {
    const bytes = new Uint8Array(100);
    expect(isZero(bytes)).toBe(true);
    for (let index = 0; index < 100; index++) {
      bytes[index] = 1;
      expect(isZero(bytes)).toBe(false);
      bytes[index] = 0;
    }
  });

  it('go to hex and back', () => {
    const bytes = new SeededRandom(2).bytes(50);
    expect(fromHex(toHex(bytes))).toEqual(bytes);
    expect(toHex(new Uint8Array([0, 171, 255]).subarray(1))).toBe('abff');
  });

  it('are counted for people', () => {
    expect([0, 1023, 1024, 1536, 3 * 2 ** 30, 5 * 2 ** 50, 2 ** 60].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '3.0 GiB',
      '5.0 PiB',
      '1024.0 PiB',
    ]);
  });
});

describe('the checksum', () => {
  it('is XXH64 with seed 0', () => {
    expect(checksumOf(new Uint8Array(0))).toBe(0xef46db3751d8e999n);
    expect(checksumOf(new TextEncoder().encode('abc'))).toBe(0x44bc2cf5ad770999n);
  });

  it('changes with every single bit of a block', () => {
    const block = new SeededRandom(3).bytes(4096);
    const seen = new Set([checksumOf(block)]);
    for (let bit = 0; bit < 4096 * 8; bit++) {
      block[bit >> 3]! ^= 1 << (bit & 7);
      seen.add(checksumOf(block));
      block[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(seen.size).toBe(4096 * 8 + 1);
  });
});
