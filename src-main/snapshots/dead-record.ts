import { getU16, getU48, getU48BigEndian, setU16, setU48, setU48BigEndian } from '../base/index.ts';
import type { Extent } from '../consistency/index.ts';
import { damagedNode } from '../tree/index.ts';

/**
 * Which kept roots can need a dead block: `files` blocks are needed by every
 * kept root of their time, `maps` blocks (the volume's own maps) by mirrors'
 * bases alone.
 */
export type Chain = 'files' | 'maps';

/** Dead blocks that one holder keeps and that were born in one era. */
export interface DeadBucket {
  readonly chain: Chain;
  readonly holderCp: number;
  readonly eraCp: number;
}

const chainByte: Record<Chain, number> = { files: 'f'.charCodeAt(0), maps: 'm'.charCodeAt(0) };
const keyBytes = 17;
const sequenceOffset = 13;
const extentBytes = 8;
export const recordBytesMax = 112 * extentBytes;
export const recordExtentsMax = recordBytesMax / extentBytes;
export const extentBlocksMax = 65535;

export function recordKey(bucket: DeadBucket, sequence: number): Uint8Array {
  const key = Buffer.alloc(keyBytes);
  key[0] = chainByte[bucket.chain];
  setU48BigEndian(key, 1, bucket.holderCp);
  setU48BigEndian(key, 7, bucket.eraCp);
  key.writeUInt32BE(sequence, sequenceOffset);
  return new Uint8Array(key.buffer, key.byteOffset, keyBytes);
}

/** Throws `volume-damaged` for a key that no version writes. */
export function bucketOfKey(key: Uint8Array): DeadBucket {
  if (key.length !== keyBytes) damagedNode('the key of a deadlist has a wrong length');
  return {
    chain: key[0] === chainByte.files ? 'files' : 'maps',
    holderCp: getU48BigEndian(key, 1),
    eraCp: getU48BigEndian(key, 7),
  };
}

export function sequenceOfKey(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.length).readUInt32BE(sequenceOffset);
}

export function isInBucket(key: Uint8Array, bucket: DeadBucket): boolean {
  return isOfHolder(key, bucket) && getU48BigEndian(key, 7) === bucket.eraCp;
}

export function isOfHolder(key: Uint8Array, of: Pick<DeadBucket, 'chain' | 'holderCp'>): boolean {
  return key[0] === chainByte[of.chain] && getU48BigEndian(key, 1) === of.holderCp;
}

export function encodeExtents(extents: readonly Extent[]): Uint8Array {
  const bytes = new Uint8Array(extents.length * extentBytes);
  extents.forEach(({ vbn, count }, index) => {
    setU48(bytes, index * extentBytes, vbn);
    setU16(bytes, index * extentBytes + 6, count);
  });
  return bytes;
}

/** Throws `volume-damaged` for a record that no version writes. */
export function decodeExtents(bytes: Uint8Array): Extent[] {
  if (bytes.length % extentBytes !== 0) damagedNode('a record of a deadlist ends within an extent');
  return Array.from({ length: bytes.length / extentBytes }, (_, index) => ({
    vbn: getU48(bytes, index * extentBytes),
    count: getU16(bytes, index * extentBytes + 6),
  }));
}

/** The number of blocks in encoded extents. */
export function blocksIn(bytes: Uint8Array): number {
  let blocks = 0;
  for (let offset = 6; offset < bytes.length; offset += extentBytes) blocks += getU16(bytes, offset);
  return blocks;
}
