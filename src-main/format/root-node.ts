import {
  bytesEqual,
  checksumOf,
  getBigU64,
  getU32,
  getU48,
  MirrorpointError,
  setBigU64,
  setU32,
  setU48,
} from '../base/index.ts';
import { decodeInode, encodeInode, type InodeFields } from './inode.ts';
import { isBlockSize } from './geometry.ts';

/** Bytes of a root node, whatever the block size. */
export const rootNodeBytes = 4096;

/** The version of everything on disk; a reader refuses a newer one. */
export const formatVersion = 1;

/** The files that the root node names itself. Everything else is found through the inode file. */
export const systemFileNames = ['inodes', 'snapshots', 'deadlists', 'orphans', 'shed', 'freeMap'] as const;
export type SystemFileName = (typeof systemFileNames)[number];

/**
 * The root of the representation of one CP. From it and the blocks, every block
 * in use is found. Mirror and primary hold the same bytes: nothing in it
 * depends on the devices underneath.
 */
export interface RootNode {
  volumeId: Uint8Array;
  blockSizeBytes: number;
  /** The CP number: 1 for a new volume, one more for each CP. */
  cp: number;
  /** Raised by a promotion. */
  epoch: number;
  /** When the CP was taken, milliseconds since 1970 UTC: a label only. */
  wallMs: number;
  /** The VBN space in blocks. */
  blockCount: number;
  /** Blocks in use by anything: the bits set in the free map. */
  usedBlockCount: number;
  /** The first inode number never used. */
  nextInode: number;
  /** Head of the chain of free inodes, or 0. */
  freeInodeHead: number;
  /** Inodes in use. */
  inodeCount: number;
  /** The first request that this CP does not include. */
  requestSequence: number;
  /** Names the journal's life; batches with another key are not ours. */
  journalKey: Uint8Array;
  /** Where in the journal region, and with which number, the first batch after this CP stands. */
  journalOffsetBytes: number;
  journalBatch: number;
  /** Where the allocator goes on. */
  allocationCursor: number;
  /** The device set of the primary that took the CP: on any other set this root is a mirror's copy. */
  setId: Uint8Array;
  files: Record<SystemFileName, InodeFields>;
}

const magic = new Uint8Array(Buffer.from('MPROOT\r\n', 'latin1'));
const filesOffset = 512;
const inodeStride = 256;
const checksumOffset = rootNodeBytes - 8;

export function encodeRootNode(root: RootNode): Uint8Array {
  const bytes = new Uint8Array(rootNodeBytes);
  bytes.set(magic, 0);
  setU32(bytes, 8, formatVersion);
  setU32(bytes, 12, root.blockSizeBytes);
  bytes.set(root.volumeId, 16);
  setU48(bytes, 32, root.cp);
  setU48(bytes, 40, root.epoch);
  setU48(bytes, 48, root.wallMs);
  setU48(bytes, 56, root.blockCount);
  setU48(bytes, 64, root.usedBlockCount);
  setU48(bytes, 72, root.nextInode);
  setU48(bytes, 80, root.freeInodeHead);
  setU48(bytes, 88, root.inodeCount);
  setU48(bytes, 96, root.requestSequence);
  bytes.set(root.journalKey, 104);
  setU48(bytes, 120, root.journalOffsetBytes);
  setU48(bytes, 128, root.journalBatch);
  setU48(bytes, 136, root.allocationCursor);
  bytes.set(root.setId, 144);
  systemFileNames.forEach((name, index) => {
    encodeInode(root.files[name], bytes, filesOffset + index * inodeStride);
  });
  setBigU64(bytes, checksumOffset, checksumOf(bytes.subarray(0, checksumOffset)));
  return bytes;
}

/** A root as both sides name it: its number, and the checksum that proves two of that number equal. */
export interface RootMark {
  readonly cp: number;
  readonly checksum: bigint;
}

/** The checksum that stands in an encoded root node: equal checksums of whole roots prove equal representations. */
export function rootChecksumOf(bytes: Uint8Array): bigint {
  return getBigU64(bytes, checksumOffset);
}

/** Whether the bytes are a whole root node of any version. */
export function isWholeRoot(bytes: Uint8Array): boolean {
  return (
    bytes.length === rootNodeBytes &&
    bytesEqual(bytes.subarray(0, magic.length), magic) &&
    checksumOf(bytes.subarray(0, checksumOffset)) === rootChecksumOf(bytes)
  );
}

/** Decodes a root node; `volume-damaged` when it is not whole, `format-too-new` when a later version wrote it. */
export function decodeRootNode(bytes: Uint8Array): RootNode {
  if (!isWholeRoot(bytes)) {
    throw new MirrorpointError(
      'volume-damaged',
      'The bytes are not a whole root node: its checksum or mark is wrong. Run `mirrorpoint volume check` on the volume.',
    );
  }
  const version = getU32(bytes, 8);
  if (version > formatVersion) {
    throw new MirrorpointError(
      'format-too-new',
      `The volume has format version ${version}, and this program reads up to ${formatVersion}. Update Mirrorpoint on this machine.`,
    );
  }
  const blockSizeBytes = getU32(bytes, 12);
  const cp = getU48(bytes, 32);
  if (!isBlockSize(blockSizeBytes) || cp === 0) {
    throw new MirrorpointError('volume-damaged', 'A root node holds values that no version writes.');
  }
  return {
    volumeId: bytes.slice(16, 32),
    blockSizeBytes,
    cp,
    epoch: getU48(bytes, 40),
    wallMs: getU48(bytes, 48),
    blockCount: getU48(bytes, 56),
    usedBlockCount: getU48(bytes, 64),
    nextInode: getU48(bytes, 72),
    freeInodeHead: getU48(bytes, 80),
    inodeCount: getU48(bytes, 88),
    requestSequence: getU48(bytes, 96),
    journalKey: bytes.slice(104, 120),
    journalOffsetBytes: getU48(bytes, 120),
    journalBatch: getU48(bytes, 128),
    allocationCursor: getU48(bytes, 136),
    setId: bytes.slice(144, 160),
    files: Object.fromEntries(
      systemFileNames.map((name, index) => [name, decodeInode(bytes, filesOffset + index * inodeStride)]),
    ) as Record<SystemFileName, InodeFields>,
  };
}
