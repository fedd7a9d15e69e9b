import { getU32, MirrorpointError, setU32 } from '../base/index.ts';
import { damagedNode, entryBytesMax, KeyedFile } from '../tree/index.ts';
import type { Inode } from './inode.ts';
import { attributeNameToBytes, decodeUtf8 } from './name.ts';

/** Bytes of one extended attribute's value. */
export const attributeValueBytesMax = 65536;

const chunkKeyBytes = 3;
const lengthBytes = 4;

/**
 * A value is kept in chunks under `name, 0, chunk number (u16, big-endian)`;
 * the value's length stands before its first chunk. No name holds a zero byte,
 * so the chunks of a name lie together and no name runs into another.
 */
function chunkKey(name: Uint8Array, chunk: number): Uint8Array {
  const key = new Uint8Array(name.length + chunkKeyBytes);
  key.set(name);
  key[name.length + 1] = chunk >>> 8;
  key[name.length + 2] = chunk;
  return key;
}

function chunkBytesMax(name: Uint8Array, blockSizeBytes: number): number {
  return entryBytesMax(blockSizeBytes) - name.length - chunkKeyBytes;
}

function chunkCount(name: Uint8Array, valueBytes: number, blockSizeBytes: number): number {
  return Math.ceil((lengthBytes + valueBytes) / chunkBytesMax(name, blockSizeBytes));
}

/** Chunks of the largest value under the longest name. */
export function attributeChunksMax(blockSizeBytes: number): number {
  return chunkCount(new Uint8Array(255), attributeValueBytesMax, blockSizeBytes);
}

/** The value of an attribute, or undefined. `holder` is the inode of kind `attributes`. */
export function getAttribute(holder: Inode, name: string): Uint8Array | undefined {
  const keyed = new KeyedFile(holder.content);
  const nameBytes = attributeNameToBytes(name);
  const first = keyed.get(chunkKey(nameBytes, 0));
  if (first === undefined) return undefined;
  if (first.length < lengthBytes || getU32(first, 0) > attributeValueBytesMax) damagedNode('an extended attribute is cut off');
  const value = new Uint8Array(getU32(first, 0));
  let done = 0;
  for (let chunk = 0; ; chunk++) {
    const stored = chunk === 0 ? first.subarray(lengthBytes) : keyed.get(chunkKey(nameBytes, chunk));
    if (stored === undefined || done + stored.length > value.length) damagedNode('an extended attribute is cut off');
    value.set(stored, done);
    done += stored.length;
    if (done === value.length) return value;
    if (stored.length === 0) damagedNode('an extended attribute is cut off');
  }
}

/** The names of all attributes, in the order of their bytes. */
export function listAttributes(holder: Inode): string[] {
  const names: string[] = [];
  new KeyedFile(holder.content).scan(undefined, (key) => {
    const end = key.length - chunkKeyBytes;
    if (end < 1 || key[end] !== 0) damagedNode('an extended attribute has no name');
    if (key[end + 1] !== 0 || key[end + 2] !== 0) return;
    names.push(decodeUtf8(key.subarray(0, end)) ?? damagedNode('an extended attribute has a name that is not UTF-8'));
  });
  return names;
}

/** Throws `attribute-too-large` when a value cannot be kept. */
export function checkAttributeValue(name: string, value: Uint8Array): void {
  if (value.length <= attributeValueBytesMax) return;
  throw new MirrorpointError(
    'attribute-too-large',
    `The value of the extended attribute ${JSON.stringify(name)} has ${value.length} bytes; at most ${attributeValueBytesMax} are possible. Keep it in a file instead.`,
  );
}

export function noSuchAttribute(ino: number, name: string): never {
  throw new MirrorpointError(
    'attribute-not-found',
    `The file with inode number ${ino} has no extended attribute ${JSON.stringify(name)}. List its attributes to see which it has.`,
  );
}

/** A change of one attribute whose reading is done. */
export interface AttributeChange {
  /** Whether the attribute is there before the change. */
  readonly exists: boolean;
  /** Whether no attribute is left after the change. */
  readonly leavesNone: boolean;
  /** Makes the change; it does not miss. `holder` is the one that was read, or a new one. */
  readonly apply: (holder: Inode) => void;
}

/** Reads what a change of an attribute needs. A value of null removes it. */
export function planAttributeChange(
  holder: Inode | undefined,
  name: string,
  change: { value: Uint8Array | null; blockSizeBytes: number },
): AttributeChange {
  const { value, blockSizeBytes } = change;
  const nameBytes = attributeNameToBytes(name);
  const keyed = holder === undefined ? undefined : new KeyedFile(holder.content);
  const first = keyed?.get(chunkKey(nameBytes, 0));
  const oldCount = first === undefined ? 0 : chunkCount(nameBytes, getU32(first, 0), blockSizeBytes);
  const newCount = value === null ? 0 : chunkCount(nameBytes, value.length, blockSizeBytes);
  const keys = Array.from({ length: Math.max(oldCount, newCount) }, (_, chunk) => chunkKey(nameBytes, chunk));
  keyed?.prepare(keys, newCount);
  return {
    exists: oldCount > 0,
    leavesNone: newCount === 0 && (keyed?.size ?? 0) === oldCount,
    apply: (target) => {
      const changed = new KeyedFile(target.content);
      if (value !== null) {
        const chunks = split(value, chunkBytesMax(nameBytes, blockSizeBytes));
        chunks.forEach((bytes, chunk) => {
          changed.set(keys[chunk]!, bytes);
        });
      }
      for (let chunk = newCount; chunk < oldCount; chunk++) changed.delete(keys[chunk]!);
    },
  };
}

function split(value: Uint8Array, partBytes: number): Uint8Array[] {
  const stored = new Uint8Array(lengthBytes + value.length);
  setU32(stored, 0, value.length);
  stored.set(value, lengthBytes);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < stored.length; offset += partBytes) parts.push(stored.subarray(offset, offset + partBytes));
  return parts;
}
