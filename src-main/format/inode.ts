import {
  getBigU64,
  getU16,
  getU32,
  getU48,
  getU64,
  MirrorpointError,
  setBigU64,
  setU16,
  setU32,
  setU48,
  setU64,
} from '../base/index.ts';
import { inodeBytes, inodeSlots, treeHeightMax, fileSizeMaxBytes } from './geometry.ts';
import { pointerBytes } from './pointer.ts';

/** What an inode describes. `system` files are named by the root node alone; `attributes` holds another inode's extended attributes. */
export type InodeKind = 'free' | 'file' | 'directory' | 'symlink' | 'attributes' | 'system';

const kinds: readonly InodeKind[] = ['free', 'file', 'directory', 'symlink', 'attributes', 'system'];

/** Bytes of slots in an inode; a file that is this small and smaller is kept in their place. */
export const inlineBytesMax = inodeSlots * pointerBytes;

/** An inode's fields, decoded. Times are nanoseconds since 1970 UTC. */
export interface InodeFields {
  kind: InodeKind;
  /** Levels of address blocks between the slots and the data blocks. */
  height: number;
  /** POSIX permission bits, 12 bits. */
  mode: number;
  linkCount: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  /** Blocks of the tree: data and address blocks. */
  blockCount: number;
  /**
   * Content of a small file that stands in the place of the slots, or null. Its
   * tree is then empty; bytes from the end of this array to `sizeBytes` are zero.
   */
  inlineContent: Uint8Array | null;
  modifiedNs: bigint;
  changedNs: bigint;
  accessedNs: bigint;
  createdNs: bigint;
  /** Inode number of the file that holds the extended attributes, or 0. */
  attributesInode: number;
  /**
   * A directory's parent; the root directory is its own. Of a file or symbolic link a hint: the
   * directory that was the last to get a name of it, or 0. The name may have gone from there.
   */
  parentInode: number;
  /** How often this inode number was taken into use: tells apart the files that had it one after the other. */
  generation: number;
  /** The next free inode's number, when kind is `free`. */
  nextFreeInode: number;
  /** Six pointers to subtrees of `height`; all null beside inline content. */
  slots: Uint8Array;
}

const slotsOffset = inodeBytes - inodeSlots * pointerBytes;
const flagInline = 1;

/** A new inode without content. */
export function emptyInode(kind: InodeKind): InodeFields {
  return {
    kind,
    height: 0,
    mode: 0,
    linkCount: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    blockCount: 0,
    inlineContent: null,
    modifiedNs: 0n,
    changedNs: 0n,
    accessedNs: 0n,
    createdNs: 0n,
    attributesInode: 0,
    parentInode: 0,
    generation: 0,
    nextFreeInode: 0,
    slots: new Uint8Array(inodeSlots * pointerBytes),
  };
}

/** Writes an inode's 256 bytes. The tree beside inline content must be empty. */
export function encodeInode(inode: InodeFields, bytes: Uint8Array, offset: number): void {
  bytes.fill(0, offset, offset + inodeBytes);
  bytes[offset] = kinds.indexOf(inode.kind);
  bytes[offset + 1] = inode.height;
  setU16(bytes, offset + 2, inode.mode);
  setU32(bytes, offset + 4, inode.linkCount);
  setU32(bytes, offset + 8, inode.uid);
  setU32(bytes, offset + 12, inode.gid);
  setU64(bytes, offset + 16, inode.sizeBytes);
  setU48(bytes, offset + 24, inode.blockCount);
  setU16(bytes, offset + 30, inode.inlineContent === null ? 0 : flagInline);
  setBigU64(bytes, offset + 32, BigInt.asUintN(64, inode.modifiedNs));
  setBigU64(bytes, offset + 40, BigInt.asUintN(64, inode.changedNs));
  setBigU64(bytes, offset + 48, BigInt.asUintN(64, inode.accessedNs));
  setBigU64(bytes, offset + 56, BigInt.asUintN(64, inode.createdNs));
  setU48(bytes, offset + 64, inode.attributesInode);
  setU16(bytes, offset + 70, inode.inlineContent?.length ?? 0);
  setU48(bytes, offset + 72, inode.parentInode);
  setU48(bytes, offset + 80, inode.generation);
  setU48(bytes, offset + 88, inode.nextFreeInode);
  bytes.set(inode.inlineContent ?? inode.slots, offset + slotsOffset);
}

/** Decodes an inode, or throws `volume-damaged` when a field is out of range. */
export function decodeInode(bytes: Uint8Array, offset: number): InodeFields {
  const kind = kinds[bytes[offset]!];
  const height = bytes[offset + 1]!;
  const sizeBytes = getU64(bytes, offset + 16);
  const flags = getU16(bytes, offset + 30);
  const inlineBytes = getU16(bytes, offset + 70);
  if (
    kind === undefined ||
    height > treeHeightMax ||
    sizeBytes > fileSizeMaxBytes ||
    flags > flagInline ||
    inlineBytes > inlineBytesMax
  ) {
    damagedInode();
  }
  const isInline = flags === flagInline;
  const content = bytes.slice(offset + slotsOffset, offset + (isInline ? slotsOffset + inlineBytes : inodeBytes));
  return {
    kind,
    height,
    mode: getU16(bytes, offset + 2),
    linkCount: getU32(bytes, offset + 4),
    uid: getU32(bytes, offset + 8),
    gid: getU32(bytes, offset + 12),
    sizeBytes,
    blockCount: getU48(bytes, offset + 24),
    inlineContent: isInline ? content : null,
    modifiedNs: BigInt.asIntN(64, getBigU64(bytes, offset + 32)),
    changedNs: BigInt.asIntN(64, getBigU64(bytes, offset + 40)),
    accessedNs: BigInt.asIntN(64, getBigU64(bytes, offset + 48)),
    createdNs: BigInt.asIntN(64, getBigU64(bytes, offset + 56)),
    attributesInode: getU48(bytes, offset + 64),
    parentInode: getU48(bytes, offset + 72),
    generation: getU48(bytes, offset + 80),
    nextFreeInode: getU48(bytes, offset + 88),
    slots: isInline ? new Uint8Array(inodeBytes - slotsOffset) : content,
  };
}

/** What a tree walk needs of an inode in a block, without decoding the rest; `volume-damaged` as for `decodeInode`. */
export function inodeTreeAt(
  bytes: Uint8Array,
  offset: number,
): { kind: InodeKind; height: number; slotsOffset: number } | undefined {
  const kind = kinds[bytes[offset]!];
  const height = bytes[offset + 1]!;
  if (kind === undefined || height > treeHeightMax) damagedInode();
  if (kind === 'free' || (getU16(bytes, offset + 30) & flagInline) !== 0) return undefined;
  return { kind, height, slotsOffset: offset + slotsOffset };
}

function damagedInode(): never {
  throw new MirrorpointError(
    'volume-damaged',
    'An inode holds values that no version writes. Run `mirrorpoint volume check` on the volume to see which files are hit.',
  );
}
