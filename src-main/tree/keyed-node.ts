import { getU16, getU32, getU48, MirrorpointError, setU16, setU32, setU48 } from '../base/index.ts';

/**
 * The nodes of a keyed file: slotted pages. From the front grows an array of
 * record offsets in key order, from the back the heap of records. Slot 0 of an
 * interior node stands for every key below slot 1; its own key means nothing.
 * FORMAT.md in this folder says every field.
 */

export type NodeType = 'leaf' | 'interior' | 'free';

const nodeTypes: readonly (NodeType | undefined)[] = [undefined, 'leaf', 'interior', 'free'];

const levelOffset = 1;
const countOffset = 2;
const heapOffset = 4;
const deadOffset = 8;
const nextFreeOffset = 8;
const nodeHeaderBytes = 16;
const slotBytes = 2;
const recordHeaderBytes = 4;
const childBytes = 6;

/** Longest key in bytes: a name, and room for what a composed key puts before it. */
export const keyBytesMax = 300;

/** Bytes of key and value together that one entry may have. */
export function entryBytesMax(blockSizeBytes: number): number {
  return blockSizeBytes / 4 - 16;
}

export function damagedNode(why: string): never {
  throw new MirrorpointError(
    'volume-damaged',
    `A node of a keyed file is damaged: ${why}. Run \`mirrorpoint volume check\` on the volume, and restore from the other side or a snapshot.`,
  );
}

export function initNode(bytes: Uint8Array, level: number): void {
  bytes.fill(0);
  bytes[0] = level === 0 ? 1 : 2;
  bytes[levelOffset] = level;
  setU32(bytes, heapOffset, bytes.length);
}

export function initFreeNode(bytes: Uint8Array, nextFree: number): void {
  bytes.fill(0);
  bytes[0] = 3;
  setU48(bytes, nextFreeOffset, nextFree);
}

/** The next free node's number, or 0. Throws unless the bytes are a free node. */
export function nextFreeNode(bytes: Uint8Array): number {
  if (nodeTypes[bytes[0]!] !== 'free') damagedNode('the list of free nodes leads to a node in use');
  return getU48(bytes, nextFreeOffset);
}

/** Throws `volume-damaged` unless the bytes can be a node of the level. */
export function checkNode(bytes: Uint8Array, level: number): void {
  const expected = level === 0 ? 1 : 2;
  if (bytes[0] !== expected || bytes[levelOffset] !== level) damagedNode(`it is no node of level ${level}`);
  const heap = getU32(bytes, heapOffset);
  if (heap > bytes.length || heap < nodeHeaderBytes + getU16(bytes, countOffset) * slotBytes) {
    damagedNode('its slots run into its records');
  }
  if (level > 0 && getU16(bytes, countOffset) === 0) damagedNode('it has no children');
}

export function isLeaf(bytes: Uint8Array): boolean {
  return nodeTypes[bytes[0]!] === 'leaf';
}

export function slotCount(bytes: Uint8Array): number {
  return getU16(bytes, countOffset);
}

/** Offset of the record in a slot, proven to lie inside the node. */
function recordAt(bytes: Uint8Array, slot: number): number {
  const record = getU16(bytes, nodeHeaderBytes + slot * slotBytes);
  if (record < nodeHeaderBytes || record + recordHeaderBytes > bytes.length) damagedNode('a slot points outside of it');
  if (record + recordHeaderBytes + getU16(bytes, record) + getU16(bytes, record + 2) > bytes.length) {
    damagedNode('a record runs over its end');
  }
  return record;
}

function recordBytesAt(bytes: Uint8Array, record: number): number {
  return recordHeaderBytes + getU16(bytes, record) + getU16(bytes, record + 2);
}

/** Bytes that an entry takes in a node, its slot included. */
export function entryBytes(keyBytes: number, valueBytes: number): number {
  return slotBytes + recordHeaderBytes + keyBytes + valueBytes;
}

export function slotEntryBytes(bytes: Uint8Array, slot: number): number {
  return slotBytes + recordBytesAt(bytes, recordAt(bytes, slot));
}

/** Bytes that entries can still take, after compaction if need be. */
export function freeBytes(bytes: Uint8Array): number {
  const gap = getU32(bytes, heapOffset) - nodeHeaderBytes - slotCount(bytes) * slotBytes;
  return gap + getU32(bytes, deadOffset);
}

/** A view of the key in a slot. */
export function keyAt(bytes: Uint8Array, slot: number): Uint8Array {
  const start = recordAt(bytes, slot) + recordHeaderBytes;
  return bytes.subarray(start, start + getU16(bytes, start - recordHeaderBytes));
}

/** A view of the value in a slot. */
export function valueAt(bytes: Uint8Array, slot: number): Uint8Array {
  const record = recordAt(bytes, slot);
  const start = record + recordHeaderBytes + getU16(bytes, record);
  return bytes.subarray(start, start + getU16(bytes, record + 2));
}

/** The node that a slot of an interior node leads to. */
export function childAt(bytes: Uint8Array, slot: number): number {
  const record = recordAt(bytes, slot);
  if (getU16(bytes, record + 2) !== childBytes) damagedNode('a child pointer has a wrong length');
  return getU48(bytes, record + recordHeaderBytes + getU16(bytes, record));
}

export function childValue(node: number): Uint8Array {
  const value = new Uint8Array(childBytes);
  setU48(value, 0, node);
  return value;
}

/** Where a key is: its slot, or the complement (`~slot`) of the slot where it belongs. Slots below `first` are not looked at. */
export function searchNode(bytes: Uint8Array, key: Uint8Array, first = 0): number {
  let low = first;
  let high = slotCount(bytes);
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareAt(bytes, middle, key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** The slot of an interior node whose subtree holds a key. */
export function childSlotFor(bytes: Uint8Array, key: Uint8Array): number {
  const found = searchNode(bytes, key, 1);
  return found >= 0 ? found : ~found - 1;
}

function compareAt(bytes: Uint8Array, slot: number, key: Uint8Array): number {
  const record = recordAt(bytes, slot);
  const length = getU16(bytes, record);
  const start = record + recordHeaderBytes;
  const shared = Math.min(length, key.length);
  for (let index = 0; index < shared; index++) {
    const difference = bytes[start + index]! - key[index]!;
    if (difference !== 0) return difference;
  }
  return length - key.length;
}

/** Puts an entry before the one in the slot. The caller has made sure that it fits. */
export function insertEntry(bytes: Uint8Array, slot: number, key: Uint8Array, value: Uint8Array): void {
  const gap = getU32(bytes, heapOffset) - nodeHeaderBytes - slotCount(bytes) * slotBytes;
  if (gap < entryBytes(key.length, value.length)) compact(bytes);
  placeEntry(bytes, slot, key, value);
}

/** As `insertEntry`, into the gap between slots and records as it is. */
function placeEntry(bytes: Uint8Array, slot: number, key: Uint8Array, value: Uint8Array): void {
  const count = slotCount(bytes);
  const record = getU32(bytes, heapOffset) - recordHeaderBytes - key.length - value.length;
  const slotStart = nodeHeaderBytes + slot * slotBytes;
  const slotsEnd = nodeHeaderBytes + count * slotBytes;
  if (record < slotsEnd + slotBytes) damagedNode('it holds less room than it says');
  bytes.copyWithin(slotStart + slotBytes, slotStart, slotsEnd);
  setU16(bytes, slotStart, record);
  setU16(bytes, record, key.length);
  setU16(bytes, record + 2, value.length);
  bytes.set(key, record + recordHeaderBytes);
  bytes.set(value, record + recordHeaderBytes + key.length);
  setU32(bytes, heapOffset, record);
  setU16(bytes, countOffset, count + 1);
}

export function removeEntry(bytes: Uint8Array, slot: number): void {
  const count = slotCount(bytes);
  const record = recordAt(bytes, slot);
  const recordBytes = recordBytesAt(bytes, record);
  const slotStart = nodeHeaderBytes + slot * slotBytes;
  const slotsEnd = nodeHeaderBytes + count * slotBytes;
  bytes.copyWithin(slotStart, slotStart + slotBytes, slotsEnd);
  setU16(bytes, slotsEnd - slotBytes, 0);
  bytes.fill(0, record, record + recordBytes);
  setU16(bytes, countOffset, count - 1);
  const heap = getU32(bytes, heapOffset);
  if (record === heap) setU32(bytes, heapOffset, heap + recordBytes);
  else setU32(bytes, deadOffset, getU32(bytes, deadOffset) + recordBytes);
}

/** A copy of the node that is being rewritten. One is enough: nothing here waits. */
const scratch = new Uint8Array(65536);

function copyAside(bytes: Uint8Array): Uint8Array {
  const copy = scratch.subarray(0, bytes.length);
  copy.set(bytes);
  return copy;
}

function compact(bytes: Uint8Array): void {
  const old = copyAside(bytes);
  initNode(bytes, old[levelOffset]!);
  for (let slot = 0; slot < slotCount(old); slot++) placeEntry(bytes, slot, keyAt(old, slot), valueAt(old, slot));
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const noBytes = new Uint8Array(0);

/**
 * Moves the upper part of a node with a further entry into a new node, and
 * returns the separator: a key above all on the left and at most the first on
 * the right. An entry put at the very end goes to the right alone, so that
 * insertion in order leaves full nodes behind; likewise at the very start.
 */
export function splitNode(left: Uint8Array, right: Uint8Array, slot: number, entry: Entry): Uint8Array {
  const old = copyAside(left);
  const level = old[levelOffset]!;
  const count = slotCount(old) + 1;
  const bytesOf = (index: number): number =>
    index === slot ? entryBytes(entry.key.length, entry.value.length) : slotEntryBytes(old, index < slot ? index : index - 1);
  const entryOf = (index: number): Entry => {
    if (index === slot) return entry;
    const from = index < slot ? index : index - 1;
    return { key: keyAt(old, from), value: valueAt(old, from) };
  };
  const leftCount = splitPoint(count, { slot, level, bytesOf });
  initNode(left, level);
  initNode(right, level);
  for (let index = 0; index < leftCount; index++) insertNext(left, entryOf(index));
  const first = entryOf(leftCount);
  const separator = level === 0 ? shortestBetween(entryOf(leftCount - 1).key, first.key) : first.key.slice();
  insertNext(right, level === 0 ? first : { key: noBytes, value: first.value });
  for (let index = leftCount + 1; index < count; index++) insertNext(right, entryOf(index));
  return separator;
}

function insertNext(bytes: Uint8Array, entry: Entry): void {
  placeEntry(bytes, slotCount(bytes), entry.key, entry.value);
}

/** How many of `count` entries stay on the left. */
function splitPoint(count: number, at: { slot: number; level: number; bytesOf: (index: number) => number }): number {
  if (at.slot === count - 1) return count - 1;
  if (at.slot === 0 && at.level === 0) return 1;
  let total = 0;
  for (let index = 0; index < count; index++) total += at.bytesOf(index);
  let sum = 0;
  for (let index = 0; index < count - 1; index++) {
    sum += at.bytesOf(index);
    if (sum * 2 >= total) return index + 1;
  }
  return count - 1;
}

/** The shortest key that is above `low` and not above `high`. */
function shortestBetween(low: Uint8Array, high: Uint8Array): Uint8Array {
  let shared = 0;
  while (shared < low.length && low[shared] === high[shared]) shared++;
  return high.slice(0, shared + 1);
}
