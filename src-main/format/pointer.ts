import { getBigU64, getU48, setBigU64, setU16, setU48 } from '../base/index.ts';

/**
 * A block pointer, 24 bytes: where a block is, in which CP it was born, and the
 * checksum its bytes must have. A pair (VBN, birth) is never used for two
 * contents, so equal pointers mean equal subtrees. Pointers are handled as
 * (bytes, offset) pairs inside the block that holds them, so that walking a
 * tree creates no objects. A birth of zero is the null pointer: a hole.
 */
export const pointerBytes = 24;

const birthOffset = 8;
const checksumOffset = 16;

export function pointerVbn(bytes: Uint8Array, offset: number): number {
  return getU48(bytes, offset);
}

export function pointerBirth(bytes: Uint8Array, offset: number): number {
  return getU48(bytes, offset + birthOffset);
}

export function pointerChecksum(bytes: Uint8Array, offset: number): bigint {
  return getBigU64(bytes, offset + checksumOffset);
}

export function isNullPointer(bytes: Uint8Array, offset: number): boolean {
  return pointerBirth(bytes, offset) === 0;
}

/** Whether two pointers are the same, checksums included: they lead to equal blocks, and to equal subtrees, whatever their histories. */
export function isSamePointer(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  for (let index = 0; index < pointerBytes; index++) if (a[aOffset + index] !== b[bOffset + index]) return false;
  return true;
}

export function setPointer(
  bytes: Uint8Array,
  offset: number,
  target: { vbn: number; birthCp: number; checksum: bigint },
): void {
  setU48(bytes, offset, target.vbn);
  setU16(bytes, offset + 6, 0);
  setU48(bytes, offset + birthOffset, target.birthCp);
  setU16(bytes, offset + birthOffset + 6, 0);
  setBigU64(bytes, offset + checksumOffset, target.checksum);
}

export function clearPointer(bytes: Uint8Array, offset: number): void {
  bytes.fill(0, offset, offset + pointerBytes);
}
