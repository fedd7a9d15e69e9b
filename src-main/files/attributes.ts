import type { BlockFileContext } from '../tree/index.ts';
import type { FileKind } from './directory.ts';
import type { Inode } from './inode.ts';

/** What `stat` tells. Times are nanoseconds since 1970 UTC. */
export interface Attributes {
  readonly ino: number;
  readonly kind: FileKind;
  /** POSIX permission bits, 12 bits. */
  readonly mode: number;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file its length, of a symbolic link its target's, of a directory the number of its entries. */
  readonly sizeBytes: number;
  /** Room taken on the devices (`st_blocks` × 512); changes of the last seconds are counted roughly. */
  readonly allocatedBytes: number;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  readonly accessedNs: bigint;
  readonly createdNs: bigint;
  /** Tells apart two files that had the same inode number one after the other. */
  readonly generation: number;
}

/** Attributes that a request may set. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly modifiedNs?: bigint;
  readonly accessedNs?: bigint;
  readonly createdNs?: bigint;
}

/** Blocks of the tree, and of what waits to become part of it: never less than there will be after the next CP by much. */
export function blocksOf(inode: Inode): number {
  return Math.max(inode.fields.blockCount, inode.content.waitingCount);
}

export function attributesOf(inode: Inode, kind: FileKind, context: BlockFileContext): Attributes {
  const { fields } = inode;
  const isWithoutBlocks = fields.inlineContent !== null || fields.sizeBytes === 0;
  return {
    ino: inode.number,
    kind,
    mode: fields.mode,
    linkCount: fields.linkCount,
    uid: fields.uid,
    gid: fields.gid,
    sizeBytes: fields.sizeBytes,
    allocatedBytes: isWithoutBlocks ? 0 : blocksOf(inode) * context.geometry.blockSizeBytes,
    modifiedNs: fields.modifiedNs,
    changedNs: fields.changedNs,
    accessedNs: fields.accessedNs,
    createdNs: fields.createdNs,
    generation: fields.generation,
  };
}
