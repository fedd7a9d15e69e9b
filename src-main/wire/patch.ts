import { assert, getU16, setU16 } from '../base/index.ts';

/** Blocks are compared in words of so many bytes. */
const wordBytes = 4;

/** Offset u16 and length u16 before the bytes of each range. */
const rangeHeaderBytes = 4;

/** A gap of so many equal words costs no more inside a range than a new range does. */
const gapWordsMax = rangeHeaderBytes / wordBytes;

/** Where a patch is put together: nearly all are short, and only their length is kept. */
let scratch = new Uint8Array(0);

/**
 * What makes a block of another one of the same size: its ranges that differ,
 * each an offset (u16), a length (u16) and the bytes. Undefined when that would
 * save less than a sixteenth of the block, which is then better sent whole.
 */
export function patchBetween(before: Uint8Array, after: Uint8Array): Uint8Array | undefined {
  assert(before.length === after.length, 'a patch is between blocks of one size');
  const old = wordsOf(before);
  const now = wordsOf(after);
  const longest = after.length - after.length / 16;
  if (scratch.length < longest) scratch = new Uint8Array(longest);
  let used = 0;
  for (let word = 0; word < now.length; ) {
    if (old[word] === now[word]) {
      word++;
      continue;
    }
    const first = word;
    let end = word + 1;
    for (word = end; word < now.length && word - end <= gapWordsMax; word++) if (old[word] !== now[word]) end = word + 1;
    const offset = first * wordBytes;
    const length = (end - first) * wordBytes;
    if (used + rangeHeaderBytes + length > longest) return undefined;
    setU16(scratch, used, offset);
    setU16(scratch, used + 2, length);
    scratch.set(after.subarray(offset, offset + length), used + rangeHeaderBytes);
    used += rangeHeaderBytes + length;
  }
  return scratch.slice(0, used);
}

/** Where the bytes of a patch go, or undefined when it is none for blocks of that size. */
export function rangesOf(patch: Uint8Array, blockSizeBytes: number): { offset: number; bytes: Uint8Array }[] | undefined {
  const ranges: { offset: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < patch.length; ) {
    if (at + rangeHeaderBytes > patch.length) return undefined;
    const offset = getU16(patch, at);
    const length = getU16(patch, at + 2);
    const start = at + rangeHeaderBytes;
    if (length === 0 || start + length > patch.length || offset + length > blockSizeBytes) return undefined;
    ranges.push({ offset, bytes: patch.subarray(start, start + length) });
    at = start + length;
  }
  return ranges;
}

function wordsOf(bytes: Uint8Array): Int32Array {
  // Blocks are cut from larger arrays on boundaries of blocks; others are copied.
  const from = bytes.byteOffset % wordBytes === 0 ? bytes : bytes.slice();
  return new Int32Array(from.buffer, from.byteOffset, from.length / wordBytes);
}
