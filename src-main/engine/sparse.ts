import { isZero } from '../base/index.ts';

/** A part of a buffer, in bytes. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** The parts of a buffer that are not zero, in whole grains; grains of zeros become holes in a copy. */
export function partsOfData(bytes: Uint8Array, grainBytes: number): Part[] {
  const parts: { start: number; end: number }[] = [];
  for (let start = 0; start < bytes.length; start += grainBytes) {
    const end = Math.min(start + grainBytes, bytes.length);
    if (isZero(bytes.subarray(start, end))) continue;
    const last = parts.at(-1);
    if (last?.end === start) last.end = end;
    else parts.push({ start, end });
  }
  return parts;
}
