import { keyedDeleteBlocksMax, keyedSetBlocksMax } from '../tree/index.ts';
import { attributeChunksMax } from './extended-attributes.ts';

/** Orphans looked at in one step of their reclaim. */
export const orphansPerStep = 128;

/** Room in the block pool that a change needs at most, in blocks; whoever makes the change sees to it before. */
export const changeBlocks = {
  /** createFile, makeDirectory, link. */
  create: keyedSetBlocksMax,
  symlink: keyedSetBlocksMax + 2,
  /** unlink and removeDirectory: the entry, and the list of orphans. */
  remove: keyedDeleteBlocksMax + keyedSetBlocksMax,
  rename: keyedDeleteBlocksMax + 2 * keyedSetBlocksMax,
  displace: 2 * (keyedDeleteBlocksMax + 2 * keyedSetBlocksMax),
  /** write: whole blocks, a part at each end, and what moves out of the inode. */
  write: (lengthBytes: number, blockSizeBytes: number): number => Math.ceil(lengthBytes / blockSizeBytes) + 2,
  truncate: 1,
  punchHole: 2,
  setAttributes: 0,
  /** setExtendedAttribute and removeExtendedAttribute: every chunk may change a leaf and fill a new one. */
  extendedAttribute: (blockSizeBytes: number): number => 2 * attributeChunksMax(blockSizeBytes) + 2 * keyedSetBlocksMax,
  /** close, of a file whose last name has gone. */
  close: keyedDeleteBlocksMax,
  reclaimOrphans: orphansPerStep + keyedDeleteBlocksMax + 1,
} as const;
