import {
  bytesEqual,
  getU16,
  getU32,
  getU48,
  getU48BigEndian,
  getU64,
  MirrorpointError,
  setU16,
  setU32,
  setU48,
  setU48BigEndian,
  setU64,
} from '../base/index.ts';
import {
  decodeInode,
  emptyInode,
  encodeInode,
  fileSizeMaxBytes,
  inodeBytes,
  type InodeFields,
  inodeSlots,
  isNullPointer,
  pointerBytes,
  treeHeightMax,
} from '../format/index.ts';
import { entryBytesMax } from '../tree/index.ts';

/** Names and holds that one kept root carries at most. */
export const namesMax = 4;
export const holdsMax = 8;
export const snapshotNameBytesMax = 100;

/** What a view shows of a root. */
export interface ViewedRoot {
  readonly cp: number;
  /** When the CP was taken: a label. */
  readonly wallMs: number;
  readonly inodeCount: number;
  /** The inode file as of that CP. */
  readonly inodes: InodeFields;
}

/** A row of the snapshot table: the root of one CP, kept because it has a name, or for a mirror, or for a reader. */
export interface KeptRoot extends ViewedRoot {
  /** Snapshot names; none for a root that only mirrors or readers need. */
  names: string[];
  /** Holds as `encodeHold` writes them. */
  holds: string[];
  /** A mirror has, or may have, this root as its last CP. */
  isBase: boolean;
  /** The CP in which the last name went, or 0. A mirror older than that can still show it. */
  deletedAtCp: number;
  readonly usedBlockCount: number;
}

const flagBase = 1;
const inodeOffset = 48;
const textOffset = inodeOffset + inodeBytes;
const keyBytes = 7;
const blockSizeMin = 4096;

/** Bytes of a name's entry: of the first programs, and of later ones before the pointers. */
const bareNameBytes = 6;
const namePointersOffset = 36;

const letters = { row: 'c'.charCodeAt(0), name: 'n'.charCodeAt(0), base: 'b'.charCodeAt(0), doomed: 'd'.charCodeAt(0) };

/** Keys of the snapshot table. `row` holds a kept root; the others are indexes on it. */
export function tableKey(kind: 'row' | 'base' | 'doomed', cp: number): Uint8Array {
  const key = new Uint8Array(keyBytes);
  key[0] = letters[kind];
  setU48BigEndian(key, 1, cp);
  return key;
}

/** Above every key of a name. */
export const nameKeysEnd = new Uint8Array([letters.name + 1]);

export function nameKey(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  const key = new Uint8Array(1 + bytes.length);
  key[0] = letters.name;
  key.set(bytes, 1);
  return key;
}

/** The name in a key, or undefined when the key is of another kind. */
export function nameOfKey(key: Uint8Array): string | undefined {
  return key[0] === letters.name ? new TextDecoder().decode(key.subarray(1)) : undefined;
}

/** The CP in a `row`, `base` or `doomed` key, or undefined when the key is of another kind. */
export function cpOfKey(key: Uint8Array, kind: 'row' | 'base' | 'doomed'): number | undefined {
  return key[0] === letters[kind] && key.length === keyBytes ? getU48BigEndian(key, 1) : undefined;
}

/** Whether a row of these texts fits an entry of the smallest block there is. */
export function fitsRow({ names, holds }: Pick<KeptRoot, 'names' | 'holds'>): boolean {
  const textBytes = [...names, ...holds].reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 0);
  return keyBytes + textOffset + textBytes <= entryBytesMax(blockSizeMin);
}

export function encodeKeptRoot(root: KeptRoot): Uint8Array {
  const texts = [...root.names, ...root.holds].map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(textOffset + texts.reduce((sum, text) => sum + 1 + text.length, 0));
  setU48(bytes, 0, root.cp);
  setU16(bytes, 6, root.isBase ? flagBase : 0);
  setU48(bytes, 8, root.wallMs);
  bytes[14] = root.names.length;
  bytes[15] = root.holds.length;
  setU48(bytes, 16, root.deletedAtCp);
  setU48(bytes, 24, root.inodeCount);
  setU48(bytes, 32, root.usedBlockCount);
  setU32(bytes, 40, 0);
  encodeInode(root.inodes, bytes, inodeOffset);
  let offset = textOffset;
  for (const text of texts) {
    bytes[offset] = text.length;
    bytes.set(text, offset + 1);
    offset += 1 + text.length;
  }
  return bytes;
}

/** Decodes a row; `volume-damaged` when its fields are out of range. */
export function decodeKeptRoot(bytes: Uint8Array): KeptRoot {
  if (bytes.length < textOffset || getU16(bytes, 6) > flagBase || getU32(bytes, 40) !== 0) damagedRow();
  const nameCount = bytes[14]!;
  const holdCount = bytes[15]!;
  const texts: string[] = [];
  let offset = textOffset;
  for (let index = 0; index < nameCount + holdCount; index++) {
    if (offset >= bytes.length || offset + 1 + bytes[offset]! > bytes.length) damagedRow();
    texts.push(new TextDecoder().decode(bytes.subarray(offset + 1, offset + 1 + bytes[offset]!)));
    offset += 1 + bytes[offset]!;
  }
  return {
    cp: getU48(bytes, 0),
    wallMs: getU48(bytes, 8),
    names: texts.slice(0, nameCount),
    holds: texts.slice(nameCount),
    isBase: getU16(bytes, 6) === flagBase,
    deletedAtCp: getU48(bytes, 16),
    inodeCount: getU48(bytes, 24),
    usedBlockCount: getU48(bytes, 32),
    inodes: decodeInode(bytes, inodeOffset),
  };
}

/**
 * A name's entry: the CP, and a copy of what a view needs of its row, so that a
 * snapshot is opened with one search. None of it changes while the root is kept.
 */
export function encodeNamed({ cp, wallMs, inodeCount, inodes }: ViewedRoot): Uint8Array {
  let pointerCount = inodeSlots;
  while (pointerCount > 0 && isNullPointer(inodes.slots, (pointerCount - 1) * pointerBytes)) pointerCount--;
  const bytes = new Uint8Array(namePointersOffset + pointerCount * pointerBytes);
  setU48(bytes, 0, cp);
  bytes[6] = inodes.height;
  bytes[7] = pointerCount;
  setU48(bytes, 8, wallMs);
  setU48(bytes, 14, inodeCount);
  setU48(bytes, 20, inodes.blockCount);
  setU64(bytes, 28, inodes.sizeBytes);
  bytes.set(inodes.slots.subarray(0, pointerCount * pointerBytes), namePointersOffset);
  return bytes;
}

/** The root that a name's entry leads to, or its CP alone when the entry says no more; `volume-damaged` when its fields are out of range. */
export function decodeNamed(bytes: Uint8Array): ViewedRoot | number {
  if (bytes.length === bareNameBytes) return getU48(bytes, 0);
  const [height, pointerCount] = [bytes[6]!, bytes[7]!];
  if (pointerCount > inodeSlots || bytes.length !== namePointersOffset + pointerCount * pointerBytes || height > treeHeightMax) damagedRow();
  const sizeBytes = getU64(bytes, 28);
  if (sizeBytes > fileSizeMaxBytes) damagedRow();
  const inodes = { ...emptyInode('system'), height, sizeBytes, blockCount: getU48(bytes, 20) };
  inodes.slots.set(bytes.subarray(namePointersOffset));
  return { cp: getU48(bytes, 0), wallMs: getU48(bytes, 8), inodeCount: getU48(bytes, 14), inodes };
}

function damagedRow(): never {
  throw new MirrorpointError(
    'volume-damaged',
    'An entry of the snapshot table holds values that no version writes. Run `mirrorpoint volume check` on the volume.',
  );
}

/** Whether two roots lead to the same files: equal pointers name equal trees. */
export function isSameTree(one: InodeFields, other: InodeFields): boolean {
  return one.height === other.height && bytesEqual(one.slots, other.slots);
}
