import { assert, getU32, getU48, setU32, setU48 } from '../base/index.ts';
import type { BlockFile } from './block-file.ts';
import {
  checkNode,
  childAt,
  childSlotFor,
  childValue,
  damagedNode,
  entryBytes,
  entryBytesMax,
  freeBytes,
  initFreeNode,
  initNode,
  insertEntry,
  isLeaf,
  keyAt,
  keyBytesMax,
  nextFreeNode,
  removeEntry,
  searchNode,
  slotCount,
  slotEntryBytes,
  splitNode,
  valueAt,
} from './keyed-node.ts';

/** Levels of nodes at most: more than any number of entries needs. */
const heightMax = 12;

/** Blocks that one `set` changes at most: the header, the path, and a new node beside each and above all. */
export const keyedSetBlocksMax = 2 * heightMax + 2;

/** Blocks that one `delete` changes at most: the header and the path. */
export const keyedDeleteBlocksMax = heightMax + 1;

/** Leaves that a scan asks for at once. */
const readAheadNodes = 16;

const mark = 0x464b504d; // "MPKF"
const heightOffset = 4;
const rootOffset = 8;
const nodeCountOffset = 16;
const freeHeadOffset = 24;
const entryCountOffset = 32;

/** An entry of a keyed file. The arrays are views, valid until the next change or wait. */
export interface KeyedEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

interface Path {
  /** The nodes from the root to a leaf. */
  readonly nodes: number[];
  /** The slot taken in each of them but the leaf. */
  readonly slots: number[];
}

/**
 * Byte strings by byte-string key, in the order of the keys' bytes: a B+tree in
 * the blocks of a file. Block 0 is its header; an empty file is an empty keyed
 * file. Every method may end the operation with a block miss, and does so
 * before its first change. Damaged nodes throw `volume-damaged`.
 *
 * Several changes in one operation: `prepare` first, then all `set`s, then the
 * `delete`s of keys that are there.
 */
export class KeyedFile {
  readonly #file: BlockFile;
  readonly #path: Path = { nodes: [], slots: [] };

  constructor(file: BlockFile) {
    this.#file = file;
  }

  /** Number of entries. */
  get size(): number {
    const header = this.#header();
    return header === null ? 0 : getU48(header, entryCountOffset);
  }

  /** The value under the key: a view, valid until the next change or wait. */
  get(key: Uint8Array): Uint8Array | undefined {
    const header = this.#header();
    if (header === null) return undefined;
    const leaf = this.#descend(header, key);
    const slot = searchNode(leaf, key);
    return slot < 0 ? undefined : valueAt(leaf, slot);
  }

  /**
   * Reads everything that changes to the keys can need, so that they will not
   * miss: at most `setCount` sets, in any order, then deletes.
   */
  prepare(keys: readonly Uint8Array[], setCount: number): void {
    const header = this.#header();
    if (header === null) return;
    for (const key of keys) this.#descend(header, key);
    this.#readFreeNodes(header, setCount * (getU32(header, heightOffset) + 2));
  }

  /** Inserts an entry, or replaces the value under its key. */
  set(key: Uint8Array, value: Uint8Array): void {
    assert(key.length <= keyBytesMax, () => `a key of ${key.length} bytes is too long`);
    assert(key.length + value.length <= entryBytesMax(this.#file.blockSizeBytes), 'an entry fits a quarter of a block');
    const header = this.#header();
    if (header === null) {
      this.#create(key, value);
      return;
    }
    const leaf = this.#descend(header, key);
    const found = searchNode(leaf, key);
    const slot = found < 0 ? ~found : found;
    const oldBytes = found < 0 ? 0 : slotEntryBytes(leaf, slot);
    const neededBytes = entryBytes(key.length, value.length);
    if (found >= 0 && oldBytes === neededBytes) {
      valueAt(this.#file.write(this.#leafNumber), slot).set(value);
      return;
    }
    const fits = neededBytes <= freeBytes(leaf) + oldBytes;
    if (!fits) this.#readFreeNodes(header, this.#path.nodes.length + 1);
    const node = this.#file.write(this.#leafNumber);
    if (found >= 0) removeEntry(node, slot);
    else this.#addToSize(1);
    if (fits) insertEntry(node, slot, key, value);
    else this.#insertSplitting(slot, key, value);
  }

  /** Removes an entry; false when there is none. */
  delete(key: Uint8Array): boolean {
    const header = this.#header();
    if (header === null) return false;
    const slot = searchNode(this.#descend(header, key), key);
    if (slot < 0) return false;
    const { nodes, slots } = this.#path;
    if (getU48(header, entryCountOffset) === 1) {
      this.#reset();
      return true;
    }
    if (nodes.every((number) => slotCount(this.#file.read(number)!) === 1)) damagedNode('it counts entries that are not there');
    this.#addToSize(-1);
    let depth = nodes.length - 1;
    let node = this.#file.write(nodes[depth]!);
    removeEntry(node, slot);
    while (slotCount(node) === 0) {
      this.#freeNode(nodes[depth]!);
      depth--;
      node = this.#file.write(nodes[depth]!);
      removeEntry(node, slots[depth]!);
    }
    this.#lowerRoot();
    return true;
  }

  /** The first entry, or the first at (or, `exclusive`, after) a key. */
  first(atOrAfter?: Uint8Array, exclusive = false): KeyedEntry | undefined {
    let found: KeyedEntry | undefined;
    this.scan(atOrAfter, (key, value) => {
      if (exclusive && atOrAfter !== undefined && Buffer.compare(key, atOrAfter) === 0) return true;
      found = { key, value };
      return false;
    });
    return found;
  }

  /** The last entry, or the last before a key. */
  last(before?: Uint8Array): KeyedEntry | undefined {
    const header = this.#header();
    if (header === null) return undefined;
    const { nodes, slots } = this.#path;
    let depth = getU32(header, heightOffset) - 1;
    let leaf = before === undefined ? this.#descendLast(header, { node: getU48(header, rootOffset), depth: 0 }) : this.#descend(header, before);
    const found = before === undefined ? ~slotCount(leaf) : searchNode(leaf, before);
    let slot = (found < 0 ? ~found : found) - 1;
    if (slot < 0) {
      do depth--;
      while (depth >= 0 && slots[depth] === 0);
      if (depth < 0) return undefined;
      slots[depth]!--;
      const parent = this.#node(header, nodes[depth]!, depth);
      leaf = this.#descendLast(header, { node: childAt(parent, slots[depth]!), depth: depth + 1 });
      slot = slotCount(leaf) - 1;
    }
    return slot < 0 ? undefined : { key: keyAt(leaf, slot), value: valueAt(leaf, slot) };
  }

  /**
   * Visits entries in key order from a key (inclusive) or from the start, until
   * `visit` returns false. It reads as it goes and starts again after a block
   * miss, so the caller bounds how many entries one operation takes, and the
   * visitor changes nothing that a second visit would spoil.
   */
  scan(from: Uint8Array | undefined, visit: (key: Uint8Array, value: Uint8Array) => unknown): void {
    let previous: Uint8Array | undefined;
    for (const { leaf, start } of this.#leaves(from)) {
      for (let slot = start; slot < slotCount(leaf); slot++) {
        const found = keyAt(leaf, slot);
        if (previous !== undefined && Buffer.compare(previous, found) >= 0) damagedNode('its keys are out of order');
        previous = found;
        if (visit(found, valueAt(leaf, slot)) === false) return;
      }
    }
  }

  /** Counts the entries from a key on and before another one, in at most `leavesMax` leaves; `next` is the key to go on from, when there is more. */
  count(from: Uint8Array, before: Uint8Array, leavesMax: number): { count: number; next?: Uint8Array } {
    let count = 0;
    let leaves = 0;
    for (const { leaf, start } of this.#leaves(from)) {
      const found = searchNode(leaf, before);
      const end = found < 0 ? ~found : found;
      if (leaves++ === leavesMax && end > start) return { count, next: keyAt(leaf, start).slice() };
      count += Math.max(0, end - start);
      if (end < slotCount(leaf)) break;
    }
    return { count };
  }

  /** The entries that stand in a block of the file, in order; none when it is no leaf. */
  entriesInBlock(index: number): KeyedEntry[] {
    const bytes = index === 0 ? null : this.#file.read(index);
    if (bytes === null || !isLeaf(bytes)) return [];
    checkNode(bytes, 0);
    return Array.from({ length: slotCount(bytes) }, (_, slot) => ({ key: keyAt(bytes, slot), value: valueAt(bytes, slot) }));
  }

  get #leafNumber(): number {
    return this.#path.nodes[this.#path.nodes.length - 1]!;
  }

  #header(): Uint8Array | null {
    const header = this.#file.read(0);
    if (header === null) return null;
    const height = getU32(header, heightOffset);
    if (getU32(header, 0) !== mark || height === 0 || height > heightMax) damagedNode('it is no header of a keyed file');
    return header;
  }

  #node(header: Uint8Array, number: number, depth: number): Uint8Array {
    if (number === 0 || number >= getU48(header, nodeCountOffset)) damagedNode('it leads outside of the file');
    const bytes = this.#file.read(number);
    if (bytes === null) damagedNode('it leads to a hole');
    checkNode(bytes, getU32(header, heightOffset) - 1 - depth);
    return bytes;
  }

  /** The leaves in key order from the one where a key is or belongs, or from the first, each with the first slot that counts. */
  *#leaves(from: Uint8Array | undefined): Generator<{ leaf: Uint8Array; start: number }> {
    const header = this.#header();
    if (header === null) return;
    const leafDepth = getU32(header, heightOffset) - 1;
    const path: { node: Uint8Array; slot: number }[] = [];
    let leaf = this.#node(header, getU48(header, rootOffset), 0);
    let key = from;
    for (;;) {
      while (path.length < leafDepth) {
        const slot = key === undefined ? 0 : childSlotFor(leaf, key);
        path.push({ node: leaf, slot });
        if (path.length === leafDepth) this.#readAhead(leaf, slot);
        leaf = this.#node(header, childAt(leaf, slot), path.length);
      }
      const start = key === undefined ? 0 : searchNode(leaf, key);
      yield { leaf, start: start < 0 ? ~start : start };
      key = undefined;
      let parent = path.at(-1);
      while (parent !== undefined && ++parent.slot >= slotCount(parent.node)) {
        path.pop();
        parent = path.at(-1);
      }
      if (parent === undefined) return;
      if (path.length === leafDepth && parent.slot % readAheadNodes === 0) this.#readAhead(parent.node, parent.slot);
      leaf = this.#node(header, childAt(parent.node, parent.slot), path.length);
    }
  }

  /** Walks to the leaf where the key is or belongs, noting the path. */
  #descend(header: Uint8Array, key: Uint8Array): Uint8Array {
    const { nodes, slots } = this.#path;
    const height = getU32(header, heightOffset);
    nodes.length = height;
    let number = getU48(header, rootOffset);
    for (let depth = 0; ; depth++) {
      const bytes = this.#node(header, number, depth);
      nodes[depth] = number;
      if (depth === height - 1) return bytes;
      const slot = childSlotFor(bytes, key);
      slots[depth] = slot;
      number = childAt(bytes, slot);
    }
  }

  /** Walks to the last leaf below a node, noting the path. */
  #descendLast(header: Uint8Array, from: { node: number; depth: number }): Uint8Array {
    const { nodes, slots } = this.#path;
    const height = getU32(header, heightOffset);
    nodes.length = height;
    let number = from.node;
    for (let { depth } = from; ; depth++) {
      const bytes = this.#node(header, number, depth);
      nodes[depth] = number;
      if (depth === height - 1) return bytes;
      const slot = slotCount(bytes) - 1;
      slots[depth] = slot;
      number = childAt(bytes, slot);
    }
  }

  #readAhead(parent: Uint8Array, slot: number): void {
    const end = Math.min(slotCount(parent), slot + readAheadNodes);
    for (let ahead = slot; ahead < end; ahead++) this.#file.prefetch(childAt(parent, ahead));
  }

  #readFreeNodes(header: Uint8Array, count: number): void {
    let number = getU48(header, freeHeadOffset);
    for (let left = count; left > 0 && number !== 0; left--) number = nextFreeNode(this.#readFree(header, number));
  }

  #readFree(header: Uint8Array, number: number): Uint8Array {
    if (number >= getU48(header, nodeCountOffset)) damagedNode('the list of free nodes leads outside of the file');
    return this.#file.read(number) ?? damagedNode('the list of free nodes leads to a hole');
  }

  #create(key: Uint8Array, value: Uint8Array): void {
    const header = this.#file.overwrite(0);
    header.fill(0);
    setU32(header, 0, mark);
    setU32(header, heightOffset, 1);
    setU48(header, rootOffset, 1);
    setU48(header, nodeCountOffset, 2);
    setU48(header, entryCountOffset, 1);
    const leaf = this.#file.overwrite(1);
    initNode(leaf, 0);
    insertEntry(leaf, 0, key, value);
  }

  /** The last entry has gone: the file is empty again, and gives its blocks back. */
  #reset(): void {
    this.#file.punch(0, Infinity);
  }

  #addToSize(change: number): void {
    const header = this.#file.write(0);
    setU48(header, entryCountOffset, getU48(header, entryCountOffset) + change);
  }

  #insertSplitting(slot: number, key: Uint8Array, value: Uint8Array): void {
    const { nodes, slots } = this.#path;
    let entry: KeyedEntry = { key, value };
    let position = slot;
    for (let depth = nodes.length - 1; depth >= 0; depth--) {
      const node = this.#file.write(nodes[depth]!);
      if (entryBytes(entry.key.length, entry.value.length) <= freeBytes(node)) {
        insertEntry(node, position, entry.key, entry.value);
        return;
      }
      const rightNumber = this.#takeNode();
      const separator = splitNode(node, this.#file.overwrite(rightNumber), position, entry);
      entry = { key: separator, value: childValue(rightNumber) };
      if (depth > 0) position = slots[depth - 1]! + 1;
    }
    this.#raiseRoot(entry);
  }

  #raiseRoot(right: KeyedEntry): void {
    const number = this.#takeNode();
    const header = this.#file.write(0);
    const height = getU32(header, heightOffset);
    assert(height < heightMax, 'a keyed file is never this high');
    const root = this.#file.overwrite(number);
    initNode(root, height);
    insertEntry(root, 0, new Uint8Array(0), childValue(getU48(header, rootOffset)));
    insertEntry(root, 1, right.key, right.value);
    setU48(header, rootOffset, number);
    setU32(header, heightOffset, height + 1);
  }

  /** A root with one child gives way to it; once per change, so that nothing more need be read. */
  #lowerRoot(): void {
    const header = this.#file.read(0)!;
    const height = getU32(header, heightOffset);
    if (height === 1) return;
    const rootNumber = getU48(header, rootOffset);
    const root = this.#file.read(rootNumber)!;
    if (slotCount(root) > 1) return;
    const child = childAt(root, 0);
    this.#freeNode(rootNumber);
    const changed = this.#file.write(0);
    setU48(changed, rootOffset, child);
    setU32(changed, heightOffset, height - 1);
  }

  #takeNode(): number {
    const header = this.#file.write(0);
    const head = getU48(header, freeHeadOffset);
    if (head !== 0) {
      setU48(header, freeHeadOffset, nextFreeNode(this.#readFree(header, head)));
      return head;
    }
    const number = getU48(header, nodeCountOffset);
    setU48(header, nodeCountOffset, number + 1);
    return number;
  }

  #freeNode(number: number): void {
    const header = this.#file.write(0);
    initFreeNode(this.#file.overwrite(number), getU48(header, freeHeadOffset));
    setU48(header, freeHeadOffset, number);
  }
}
