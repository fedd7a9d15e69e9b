import { assert, MirrorpointError } from '../base/index.ts';
import { pointerBytes } from './pointer.ts';

/** Bytes of one inode on disk. */
export const inodeBytes = 256;

/** Pointers that an inode holds itself: the root of its tree of address blocks. */
export const inodeSlots = 6;

/** The highest tree: 6 × 170^7 blocks of 4 KiB are more than any volume holds. */
export const treeHeightMax = 7;

export const blockSizeMinBytes = 4096;
export const blockSizeMaxBytes = 65536;

/** The largest file: byte offsets stay exact in a double. */
export const fileSizeMaxBytes = 2 ** 53 - 1;

/** What follows from the block size alone. */
export interface Geometry {
  readonly blockSizeBytes: number;
  /** Pointers in an address block. */
  readonly fanOut: number;
  readonly inodesPerBlock: number;
  /** Blocks that one free-map block speaks for. */
  readonly blocksPerMapBlock: number;
}

/** Whether blocks can have this size: a power of two from 4 KiB to 64 KiB. */
export function isBlockSize(sizeBytes: number): boolean {
  const isPowerOfTwo = Number.isInteger(sizeBytes) && (sizeBytes & (sizeBytes - 1)) === 0;
  return isPowerOfTwo && sizeBytes >= blockSizeMinBytes && sizeBytes <= blockSizeMaxBytes;
}

/** Geometry of a block size, which must be a power of two from 4 KiB to 64 KiB (`argument-invalid`). */
export function geometryOf(blockSizeBytes: number): Geometry {
  if (!isBlockSize(blockSizeBytes)) {
    throw new MirrorpointError(
      'argument-invalid',
      `A block size of ${blockSizeBytes} bytes is not possible: choose a power of two from 4096 to 65536.`,
    );
  }
  return {
    blockSizeBytes,
    fanOut: Math.floor(blockSizeBytes / pointerBytes),
    inodesPerBlock: blockSizeBytes / inodeBytes,
    blocksPerMapBlock: blockSizeBytes * 8,
  };
}

/** Logical blocks below one pointer at the given level; level 0 is a data block. */
export function blocksBelow(geometry: Geometry, level: number): number {
  assert(level >= 0 && level <= treeHeightMax, () => `tree level ${level} is out of range`);
  return geometry.fanOut ** level;
}

/** Logical blocks that a tree of the given height can hold. */
export function treeCapacity(geometry: Geometry, height: number): number {
  return inodeSlots * blocksBelow(geometry, height);
}
