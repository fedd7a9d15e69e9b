import type { BlockCache } from '../blocks/index.ts';
import { blocksBelow, type Geometry, inodeSlots, isNullPointer, isSamePointer, pointerBytes } from '../format/index.ts';

/** A tree as it stands on the devices, and the cache that its blocks are read through. */
export interface StoredTree {
  readonly root: { readonly slots: Uint8Array; readonly height: number };
  readonly cache: BlockCache;
}

/** Pointers beside each other at one level of a tree. A tree that has fewer levels than the other is raised: all of it is child 0. */
type Row = { readonly pointers: Uint8Array; readonly count: number } | { readonly raised: Row };

/** The same place of both trees, as far as they have it. */
interface Pair<T> {
  readonly one: T | undefined;
  readonly other: T | undefined;
}

/**
 * The first data block at or after an index in which two trees differ, or
 * undefined when there is none. Equal pointers, checksums included, lead to
 * equal subtrees, also in trees of two histories, so what is below them is not
 * read. Reads as an operation on trees does (see BlockCache.run).
 */
export function nextTreeDifference(geometry: Geometry, trees: { one: StoredTree; other: StoredTree | undefined }, from: number): number | undefined {
  const { one, other } = trees;
  const level = Math.max(one.root.height, other?.root.height ?? 0);
  const rows = { one: rowAt(one, level), other: other === undefined ? undefined : rowAt(other, level) };
  return new TreeComparison(geometry, trees).search(rows, { level, start: 0, from });
}

function rowAt({ root }: StoredTree, level: number): Row {
  let row: Row = { pointers: root.slots, count: inodeSlots };
  for (let height = root.height; height < level; height++) row = { raised: row };
  return row;
}

class TreeComparison {
  readonly #geometry: Geometry;
  readonly #trees: Pair<StoredTree>;

  constructor(geometry: Geometry, trees: Pair<StoredTree>) {
    this.#geometry = geometry;
    this.#trees = trees;
  }

  /** `start` is the index of the first data block below the rows. */
  search(rows: Pair<Row>, at: { level: number; start: number; from: number }): number | undefined {
    const { level, start, from } = at;
    const each = blocksBelow(this.#geometry, level);
    const end = Math.max(countOf(rows.one), countOf(rows.other));
    for (let child = Math.max(0, Math.floor((from - start) / each)); child < end; child++) {
      if (isSameChild(rows, child)) continue;
      const index = start + child * each;
      if (level === 0) return index;
      const found = this.search(this.#below(rows, child), { level: level - 1, start: index, from: Math.max(from, index) });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Reads what hangs under a child, on both sides at once. */
  #below(rows: Pair<Row>, child: number): Pair<Row> {
    const one = this.#enter(this.#trees.one, rows.one, child);
    const other = this.#enter(this.#trees.other, rows.other, child);
    this.#trees.one?.cache.needAll();
    this.#trees.other?.cache.needAll();
    return { one, other };
  }

  #enter(tree: StoredTree | undefined, row: Row | undefined, child: number): Row | undefined {
    if (row === undefined || tree === undefined) return undefined;
    if ('raised' in row) return child === 0 ? row.raised : undefined;
    if (isHole(row, child)) return undefined;
    const pointers = tree.cache.get(row.pointers, child * pointerBytes);
    return pointers === undefined ? undefined : { pointers, count: this.#geometry.fanOut };
  }
}

function countOf(row: Row | undefined): number {
  if (row === undefined) return 0;
  return 'raised' in row ? 1 : row.count;
}

function isHole(row: Row | undefined, child: number): boolean {
  if (row === undefined) return true;
  if ('raised' in row) return child > 0;
  return child >= row.count || isNullPointer(row.pointers, child * pointerBytes);
}

function isSameChild({ one, other }: Pair<Row>, child: number): boolean {
  if (isHole(one, child) || isHole(other, child)) return isHole(one, child) && isHole(other, child);
  if (one === undefined || other === undefined || 'raised' in one || 'raised' in other) return false;
  const offset = child * pointerBytes;
  return isSamePointer(one.pointers, offset, other.pointers, offset);
}
