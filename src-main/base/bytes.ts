/**
 * Little-endian integers in byte arrays, without a DataView per array. A u48
 * holds every number that JavaScript counts exactly up to 2^48 - 1.
 */

export const u48Max = 2 ** 48 - 1;

export function getU16(bytes: Uint8Array, offsetBytes: number): number {
  return bytes[offsetBytes]! | (bytes[offsetBytes + 1]! << 8);
}

export function setU16(bytes: Uint8Array, offsetBytes: number, value: number): void {
  bytes[offsetBytes] = value;
  bytes[offsetBytes + 1] = value >>> 8;
}

export function getU32(bytes: Uint8Array, offsetBytes: number): number {
  return (
    (bytes[offsetBytes]! |
      (bytes[offsetBytes + 1]! << 8) |
      (bytes[offsetBytes + 2]! << 16) |
      (bytes[offsetBytes + 3]! << 24)) >>>
    0
  );
}

export function setU32(bytes: Uint8Array, offsetBytes: number, value: number): void {
  bytes[offsetBytes] = value;
  bytes[offsetBytes + 1] = value >>> 8;
  bytes[offsetBytes + 2] = value >>> 16;
  bytes[offsetBytes + 3] = value >>> 24;
}

export function getU48(bytes: Uint8Array, offsetBytes: number): number {
  return getU32(bytes, offsetBytes) + getU16(bytes, offsetBytes + 4) * 0x1_0000_0000;
}

export function setU48(bytes: Uint8Array, offsetBytes: number, value: number): void {
  setU32(bytes, offsetBytes, value >>> 0);
  setU16(bytes, offsetBytes + 4, Math.floor(value / 0x1_0000_0000));
}

/** Reads a u64 whose value is known to fit 53 bits; larger values come back rounded and fail range checks. */
export function getU64(bytes: Uint8Array, offsetBytes: number): number {
  return getU32(bytes, offsetBytes) + getU32(bytes, offsetBytes + 4) * 0x1_0000_0000;
}

export function setU64(bytes: Uint8Array, offsetBytes: number, value: number): void {
  setU32(bytes, offsetBytes, value >>> 0);
  setU32(bytes, offsetBytes + 4, Math.floor(value / 0x1_0000_0000));
}

/** Between a u64 and its halves: arithmetic with big integers makes a new one at each step, for every checksum of a block. */
const halves = new DataView(new ArrayBuffer(8));

export function getBigU64(bytes: Uint8Array, offsetBytes: number): bigint {
  halves.setUint32(0, getU32(bytes, offsetBytes), true);
  halves.setUint32(4, getU32(bytes, offsetBytes + 4), true);
  return halves.getBigUint64(0, true);
}

export function setBigU64(bytes: Uint8Array, offsetBytes: number, value: bigint): void {
  halves.setBigUint64(0, value, true);
  setU32(bytes, offsetBytes, halves.getUint32(0, true));
  setU32(bytes, offsetBytes + 4, halves.getUint32(4, true));
}

/** Big-endian u48, for keys whose byte order must be their number order. */
export function setU48BigEndian(bytes: Uint8Array, offsetBytes: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value >>> 0;
  bytes[offsetBytes] = high >>> 8;
  bytes[offsetBytes + 1] = high;
  bytes[offsetBytes + 2] = low >>> 24;
  bytes[offsetBytes + 3] = low >>> 16;
  bytes[offsetBytes + 4] = low >>> 8;
  bytes[offsetBytes + 5] = low;
}

export function getU48BigEndian(bytes: Uint8Array, offsetBytes: number): number {
  const high = (bytes[offsetBytes]! << 8) | bytes[offsetBytes + 1]!;
  const low =
    ((bytes[offsetBytes + 2]! << 24) |
      (bytes[offsetBytes + 3]! << 16) |
      (bytes[offsetBytes + 4]! << 8) |
      bytes[offsetBytes + 5]!) >>>
    0;
  return high * 0x1_0000_0000 + low;
}

/** Whether every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== 0) return false;
  return true;
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** A byte count for people: `3.1 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]!}`;
}
