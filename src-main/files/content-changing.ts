import { assert, MirrorpointError } from '../base/index.ts';
import { fileSizeMaxBytes, inlineBytesMax } from '../format/index.ts';
import type { Inode } from './inode.ts';

/**
 * Changes of a file's bytes. Invariants: blocks at and behind the end of a file
 * are holes, and bytes behind its end in its last block are zero; a file of
 * size zero has no blocks; inline content is replaced, never changed in place.
 */

/** Bytes that one write changes at most. */
export const writeBytesMax = 1 << 20;

/** Throws `file-too-large` unless a file may have this size. */
export function checkFileSize(inode: Inode, sizeBytes: number): void {
  assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, 'a file size is a whole number of bytes');
  if (sizeBytes <= fileSizeMaxBytes - inode.content.blockSizeBytes) return;
  throw new MirrorpointError(
    'file-too-large',
    `The file with inode number ${inode.number} cannot have ${sizeBytes} bytes. Split it into several files.`,
  );
}

/** Puts bytes at an offset, enlarging the file where they reach over its end. */
export function writeContent(inode: Inode, offsetBytes: number, bytes: Uint8Array): void {
  const { fields } = inode;
  const endBytes = offsetBytes + bytes.length;
  const old = fields.inlineContent;
  if (endBytes <= inlineBytesMax && (old !== null || fields.sizeBytes === 0)) {
    const content = new Uint8Array(Math.max(old?.length ?? 0, endBytes));
    if (old !== null) content.set(old);
    content.set(bytes, offsetBytes);
    fields.inlineContent = content;
  } else {
    writeBlocks(inode, offsetBytes, bytes);
  }
  fields.sizeBytes = Math.max(fields.sizeBytes, endBytes);
}

function writeBlocks(inode: Inode, offsetBytes: number, bytes: Uint8Array): void {
  const { content, fields } = inode;
  const { blockSizeBytes } = content;
  const endBytes = offsetBytes + bytes.length;
  const first = Math.floor(offsetBytes / blockSizeBytes);
  const end = Math.ceil(endBytes / blockSizeBytes);
  if (offsetBytes % blockSizeBytes !== 0) content.read(first);
  if (endBytes % blockSizeBytes !== 0) content.read(end - 1);
  spillInline(inode);
  for (let index = first; index < end; index++) {
    const start = index * blockSizeBytes;
    const from = Math.max(start, offsetBytes);
    const to = Math.min(start + blockSizeBytes, endBytes);
    // Behind the old end there is nothing to keep but zeros up to the block's end.
    const isWhole = from === start && to === start + blockSizeBytes;
    const isNew = start >= fields.sizeBytes;
    const block = isWhole || isNew ? content.overwrite(index) : content.write(index);
    if (isNew && !isWhole) block.fill(0);
    block.set(bytes.subarray(from - offsetBytes, to - offsetBytes), from - start);
  }
}

function spillInline(inode: Inode): void {
  const { fields, content } = inode;
  if (fields.inlineContent === null) return;
  if (fields.inlineContent.length > 0) {
    const block = content.overwrite(0);
    block.fill(0);
    block.set(fields.inlineContent);
  }
  fields.inlineContent = null;
}

/** Gives the file a size: cut off, or with zeros added that take no room. */
export function truncateContent(inode: Inode, sizeBytes: number): void {
  const { fields, content } = inode;
  if (sizeBytes < fields.sizeBytes) {
    const { blockSizeBytes } = content;
    if (fields.inlineContent !== null) {
      fields.inlineContent = sizeBytes === 0 ? null : fields.inlineContent.slice(0, sizeBytes);
    } else {
      const boundary = Math.floor(sizeBytes / blockSizeBytes);
      const keptBytes = sizeBytes % blockSizeBytes;
      if (keptBytes > 0 && content.read(boundary) !== null) content.write(boundary).fill(0, keptBytes);
      content.punch(Math.ceil(sizeBytes / blockSizeBytes), Infinity);
    }
  }
  fields.sizeBytes = sizeBytes;
}

/** Makes a range read as zeros, and gives back the blocks that lie in it wholly. The size stays. */
export function punchContent(inode: Inode, offsetBytes: number, lengthBytes: number): void {
  const { fields, content } = inode;
  const { blockSizeBytes } = content;
  const endBytes = Math.min(offsetBytes + lengthBytes, fields.sizeBytes);
  if (offsetBytes >= endBytes) return;
  if (fields.inlineContent !== null) {
    fields.inlineContent = fields.inlineContent.slice().fill(0, offsetBytes, endBytes);
    return;
  }
  const first = Math.floor(offsetBytes / blockSizeBytes);
  const firstWhole = Math.ceil(offsetBytes / blockSizeBytes);
  // The last block holds nothing behind the end of the file, so it goes as a whole.
  const endWhole = endBytes === fields.sizeBytes ? Math.ceil(endBytes / blockSizeBytes) : Math.floor(endBytes / blockSizeBytes);
  const headIsData = first < firstWhole && content.read(first) !== null;
  const tailIsData = endWhole * blockSizeBytes < endBytes && endWhole >= firstWhole && content.read(endWhole) !== null;
  if (headIsData) {
    const start = first * blockSizeBytes;
    content.write(first).fill(0, offsetBytes - start, Math.min(blockSizeBytes, endBytes - start));
  }
  if (tailIsData) content.write(endWhole).fill(0, 0, endBytes - endWhole * blockSizeBytes);
  content.punch(firstWhole, endWhole);
}
