import { pointerBytes } from '../format/index.ts';
import { PointerList } from '../blocks/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import type { Inode } from './inode.ts';

/** Reads of up to this many stored blocks go through the cache; longer ones go from the devices to the caller. */
const cachedReadBlocksMax = 16;

/** Blocks found, read and proven in one step of a long read. */
const portionBlocksMax = 1024;

/** Blocks looked at in one step of a search for a hole. */
const seekBlocksMax = 16384;

/** Where a read takes place. */
export interface ReadingContext {
  readonly blocks: BlockFileContext;
  /** Enters a read of the devices, during which found blocks are not written over; the result leaves it. */
  readonly enterRead: () => () => void;
}

/** A part of the target and of the file that it is to hold. */
interface Portion {
  readonly offsetBytes: number;
  readonly target: Uint8Array;
  readonly blockSizeBytes: number;
}

/** Copies a block's bytes, or zeros for a hole, to where they belong in the portion. */
function placeBlock(portion: Portion, index: number, block: Uint8Array | null): void {
  const { target, offsetBytes, blockSizeBytes } = portion;
  const start = index * blockSizeBytes - offsetBytes;
  const from = Math.max(0, start);
  const to = Math.min(target.length, start + blockSizeBytes);
  if (from >= to) return;
  if (block === null) target.fill(0, from, to);
  else target.set(block.subarray(from - start, to - start), from);
}

/**
 * Fills the target from a file's offset; returns how many bytes there were
 * before its end. Every byte from the devices is proven by its checksum
 * (`checksum-mismatch`). A read longer than 4 MiB of 4 KiB blocks is not one
 * moment's content.
 */
export async function readContent(
  context: ReadingContext,
  find: () => Inode,
  range: { offsetBytes: number; target: Uint8Array },
): Promise<number> {
  const { blockSizeBytes } = context.blocks.geometry;
  let done = 0;
  while (done < range.target.length) {
    const offsetBytes = range.offsetBytes + done;
    const lengthMax = portionBlocksMax * blockSizeBytes - (offsetBytes % blockSizeBytes);
    const target = range.target.subarray(done, done + lengthMax);
    const count = await readPortion(context, find, { offsetBytes, target, blockSizeBytes });
    done += count;
    if (count < target.length) break;
  }
  return done;
}

async function readPortion(context: ReadingContext, find: () => Inode, wanted: Portion): Promise<number> {
  const { cache } = context.blocks;
  const leave = context.enterRead();
  try {
    const found = await cache.run(() => resolvePortion(context, find(), wanted));
    const { portion, indices, pointers } = found;
    if (pointers.count > 0) await readStored(context, portion, { indices, pointers });
    return portion.target.length;
  } finally {
    leave();
  }
}

/** Copies what is in memory, and returns what is left to read. */
function resolvePortion(
  context: ReadingContext,
  inode: Inode,
  wanted: Portion,
): { portion: Portion; indices: number[]; pointers: PointerList } {
  const { cache } = context.blocks;
  const { sizeBytes, inlineContent } = inode.fields;
  const lengthBytes = Math.max(0, Math.min(wanted.target.length, sizeBytes - wanted.offsetBytes));
  const portion = { ...wanted, target: wanted.target.subarray(0, lengthBytes) };
  const rest = { portion, indices: [] as number[], pointers: new PointerList() };
  if (lengthBytes === 0) return rest;
  if (inlineContent !== null) {
    portion.target.fill(0);
    portion.target.set(inlineContent.subarray(portion.offsetBytes, portion.offsetBytes + lengthBytes));
    return rest;
  }
  const first = Math.floor(portion.offsetBytes / portion.blockSizeBytes);
  const end = Math.ceil((portion.offsetBytes + lengthBytes) / portion.blockSizeBytes);
  // To look for each block of a long read in the cache, which seldom has one, would take longer than to read it.
  const looksInCache = end - first <= cachedReadBlocksMax;
  inode.content.resolve(first, end - first, {
    waiting: (index, bytes) => placeBlock(portion, index, bytes),
    hole: (index) => placeBlock(portion, index, null),
    stored: (index, pointers, offset) => {
      if (looksInCache && cache.has(pointers, offset)) placeBlock(portion, index, cache.need(pointers, offset));
      else {
        rest.indices.push(index);
        rest.pointers.push(pointers, offset);
      }
    },
  });
  if (rest.indices.length > cachedReadBlocksMax) return rest;
  const { bytes } = rest.pointers;
  rest.indices.forEach((_, position) => cache.get(bytes, position * pointerBytes));
  cache.needAll();
  return rest;
}

async function readStored(
  context: ReadingContext,
  portion: Portion,
  stored: { indices: number[]; pointers: PointerList },
): Promise<void> {
  const { target, offsetBytes, blockSizeBytes } = portion;
  const parts: { index: number; bytes: Uint8Array }[] = [];
  const targets = stored.indices.map((index) => {
    const start = index * blockSizeBytes - offsetBytes;
    if (start >= 0 && start + blockSizeBytes <= target.length) return target.subarray(start, start + blockSizeBytes);
    const part = { index, bytes: new Uint8Array(blockSizeBytes) };
    parts.push(part);
    return part.bytes;
  });
  await context.blocks.cache.store.readProven(stored.pointers, targets);
  for (const { index, bytes } of parts) placeBlock(portion, index, bytes);
}

/** All bytes of a small file, read in one operation: a symbolic link's target. */
export function readWhole(inode: Inode): Uint8Array {
  const { sizeBytes, inlineContent } = inode.fields;
  const whole = new Uint8Array(sizeBytes);
  if (inlineContent !== null) {
    whole.set(inlineContent);
    return whole;
  }
  const { blockSizeBytes } = inode.content;
  for (let index = 0; index * blockSizeBytes < sizeBytes; index++) {
    placeBlock({ offsetBytes: 0, target: whole, blockSizeBytes }, index, inode.content.read(index));
  }
  return whole;
}

/**
 * The first byte at or after an offset that is data, or undefined when only a
 * hole follows (`SEEK_DATA`). Data is told from holes by whole blocks.
 */
export async function seekData(context: ReadingContext, find: () => Inode, offsetBytes: number): Promise<number | undefined> {
  return context.blocks.cache.run(() => {
    const inode = find();
    const { sizeBytes, inlineContent } = inode.fields;
    if (offsetBytes >= sizeBytes) return undefined;
    if (inlineContent !== null) return offsetBytes < inlineContent.length ? offsetBytes : undefined;
    const { blockSizeBytes } = inode.content;
    const index = inode.content.seek(Math.floor(offsetBytes / blockSizeBytes), Math.ceil(sizeBytes / blockSizeBytes), 'data');
    return index === undefined ? undefined : Math.max(offsetBytes, index * blockSizeBytes);
  });
}

/**
 * The first byte at or after an offset that lies in a hole, the end of the file
 * counting as one, or undefined behind the end (`SEEK_HOLE`). Long runs of data
 * are searched in several steps.
 */
export async function seekHole(context: ReadingContext, find: () => Inode, offsetBytes: number): Promise<number | undefined> {
  let from = offsetBytes;
  for (;;) {
    const found: { done: true; at: number | undefined } | { done: false; next: number } = await context.blocks.cache.run(() => {
      const inode = find();
      const { sizeBytes, inlineContent } = inode.fields;
      if (from >= sizeBytes) return { done: true, at: offsetBytes < sizeBytes ? sizeBytes : undefined };
      if (inlineContent !== null) return { done: true, at: Math.max(from, Math.min(inlineContent.length, sizeBytes)) };
      const { blockSizeBytes } = inode.content;
      const first = Math.floor(from / blockSizeBytes);
      const end = Math.min(first + seekBlocksMax, Math.ceil(sizeBytes / blockSizeBytes));
      const index = inode.content.seek(first, end, 'hole');
      return index === undefined
        ? { done: false, next: end * blockSizeBytes }
        : { done: true, at: Math.max(from, index * blockSizeBytes) };
    });
    if (found.done) return found.at;
    from = found.next;
  }
}
