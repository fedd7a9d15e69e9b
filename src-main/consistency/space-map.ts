import { assert, MirrorpointError } from '../base/index.ts';
import type { BlockCache } from '../blocks/index.ts';
import type { Geometry } from '../format/index.ts';
import type { BlockFile, TreeRoot } from '../tree/index.ts';
import type { Extent } from './freed-list.ts';

/** Free runs shorter than this are passed over while there are longer ones: long runs make fast writes. */
const shortRunBlocks = 32;

/** Free-map blocks read ahead while looking for space. */
const pagesAhead = 16;

/**
 * The free map: one bit per block of the VBN space, set while anything needs the
 * block. It is a file like any other, and a hole in it means all free.
 *
 * Invariants: a block is handed out only when its bit was clear in the last
 * durable CP; a bit cleared in CP n is handed out in CP n + 1 at the earliest,
 * when n is durable; no bit is set or cleared twice.
 */
export class SpaceMap {
  readonly file: BlockFile;
  readonly #geometry: Geometry;
  readonly #cache: BlockCache;
  #blockCount: number;
  #usedCount: number;
  #cursor: number;
  /** Map blocks as the next CP will write them. */
  #pages = new Map<number, Uint8Array>();
  #reserved: Extent[] = [];
  #reservedCount = 0;
  #setCount = 0;
  #clearedCount = 0;
  #minimumRun = shortRunBlocks;
  #scannedPages = 0;

  constructor(options: {
    geometry: Geometry;
    cache: BlockCache;
    file: BlockFile;
    blockCount: number;
    usedCount: number;
    cursor: number;
  }) {
    this.#geometry = options.geometry;
    this.#cache = options.cache;
    this.file = options.file;
    this.#blockCount = options.blockCount;
    this.#usedCount = options.usedCount;
    this.#cursor = options.cursor;
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** Bits set in the last CP. */
  get usedCount(): number {
    return this.#usedCount;
  }

  /** Bits set as of the CP that is being written. */
  get nextUsedCount(): number {
    return this.#usedCount + this.#setCount - this.#clearedCount;
  }

  get freeCount(): number {
    return this.#blockCount - this.#usedCount;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Map blocks changed by this CP so far, by index. */
  get pages(): ReadonlyMap<number, Uint8Array> {
    return this.#pages;
  }

  grow(blockCount: number): void {
    assert(blockCount >= this.#blockCount, 'a volume only grows');
    this.#blockCount = blockCount;
  }

  /** Makes sure that the next `count` calls of `allocate` succeed; `volume-full` when the space is not there. */
  async reserve(count: number): Promise<void> {
    while (this.#reservedCount < count) {
      const pageCount = Math.ceil(this.#blockCount / this.#geometry.blocksPerMapBlock);
      if (this.#scannedPages > pageCount) {
        if (this.#minimumRun === 1) this.#refuse(count);
        this.#minimumRun = 1;
        this.#scannedPages = 0;
      }
      await this.#scan(pageCount);
    }
  }

  /**
   * Keeps extents out of this CP's allocations although they are free: a CP that
   * failed while its root was being written may still be found at recovery.
   * `readmit` takes this back before the map is written.
   */
  async exclude(extents: readonly Extent[]): Promise<void> {
    await this.open(extents);
    for (const extent of extents) this.#mark(extent, true);
  }

  readmit(extents: readonly Extent[]): void {
    for (const extent of extents) this.#mark(extent, false);
  }

  allocate(): number {
    const extent = this.#reserved[0];
    assert(extent !== undefined, 'blocks are reserved before they are allocated');
    const { vbn } = extent;
    extent.vbn++;
    extent.count--;
    if (extent.count === 0) this.#reserved.shift();
    this.#reservedCount--;
    return vbn;
  }

  /** Opens the map blocks that say where these extents are, so that their number is known before they change. */
  async open(extents: readonly Extent[]): Promise<void> {
    const { blocksPerMapBlock } = this.#geometry;
    const wanted = new Set<number>();
    for (const { vbn, count } of extents) {
      const last = Math.floor((vbn + count - 1) / blocksPerMapBlock);
      for (let page = Math.floor(vbn / blocksPerMapBlock); page <= last; page++) {
        if (!this.#pages.has(page)) wanted.add(page);
      }
    }
    const pages = [...wanted].sort((a, b) => a - b);
    for (let start = 0; start < pages.length; start += 256) await this.#openPages(pages.slice(start, start + 256));
  }

  /** Clears the bits of extents whose map blocks are open. */
  clear(extents: readonly Extent[]): void {
    for (const extent of extents) {
      this.#mark(extent, false);
      this.#clearedCount += extent.count;
    }
  }

  /** Gives back what was reserved and not allocated. Nothing can be allocated after this until `settle`. */
  forfeit(): void {
    for (const extent of this.#reserved) {
      this.#mark(extent, false);
      this.#setCount -= extent.count;
    }
    const [first] = this.#reserved;
    if (first !== undefined) this.#cursor = first.vbn;
    this.#reserved = [];
    this.#reservedCount = 0;
  }

  /** Ends a CP: what it changed is now the last CP's map, or, when it failed, was never done. */
  settle(newRoot: TreeRoot | undefined): void {
    if (newRoot !== undefined) {
      this.#usedCount = this.nextUsedCount;
      this.file.settle(newRoot);
    }
    this.#pages = new Map();
    this.#reserved = [];
    this.#reservedCount = 0;
    this.#setCount = 0;
    this.#clearedCount = 0;
    this.#minimumRun = shortRunBlocks;
    this.#scannedPages = 0;
  }

  #refuse(count: number): never {
    throw new MirrorpointError(
      'volume-full',
      `The volume has no ${count} free blocks left: ${this.nextUsedCount} of ${this.#blockCount} are in use. ` +
        'Delete files or snapshots, or grow the volume.',
    );
  }

  /** Reserves the free runs of the map block under the cursor, and moves the cursor past it. */
  async #scan(pageCount: number): Promise<void> {
    const { blocksPerMapBlock } = this.#geometry;
    if (this.#cursor >= this.#blockCount) this.#cursor = 0;
    const page = Math.floor(this.#cursor / blocksPerMapBlock);
    const end = Math.min((page + 1) * blocksPerMapBlock, this.#blockCount);
    const range = { first: page * blocksPerMapBlock, from: this.#cursor, end, minimum: this.#minimumRun };
    const changed = this.#pages.get(page);
    const runs = changed === undefined ? await this.#storedRuns(page, pageCount, range) : freeRuns(changed, range);
    if (runs.length > 0) {
      await this.open([{ vbn: page * blocksPerMapBlock, count: 1 }]);
      for (const run of runs) {
        this.#mark(run, true);
        this.#setCount += run.count;
        this.#reservedCount += run.count;
        this.#reserved.push(run);
      }
    }
    this.#cursor = end >= this.#blockCount ? 0 : end;
    this.#scannedPages++;
  }

  /** The free runs of a map block that this CP has not changed. */
  #storedRuns(page: number, pageCount: number, range: ScanRange): Promise<Extent[]> {
    return this.#cache.run(() => {
      if (page % pagesAhead === 0) {
        for (let next = page; next < Math.min(page + pagesAhead, pageCount); next++) this.file.prefetch(next);
      }
      return freeRuns(this.file.read(page), range);
    });
  }

  async #openPages(pages: readonly number[]): Promise<void> {
    await this.#cache.run(() => {
      for (const page of pages) this.file.prefetch(page);
      this.#cache.needAll();
      const opened = pages.map((page) => this.file.read(page)?.slice());
      pages.forEach((page, position) => {
        this.#pages.set(page, opened[position] ?? new Uint8Array(this.#geometry.blockSizeBytes));
      });
    });
  }

  #mark(extent: Extent, used: boolean): void {
    const { blocksPerMapBlock } = this.#geometry;
    let { vbn, count } = extent;
    while (count > 0) {
      const page = Math.floor(vbn / blocksPerMapBlock);
      const bits = this.#pages.get(page);
      assert(bits !== undefined, 'a map block is open before its bits change');
      const start = vbn % blocksPerMapBlock;
      const here = Math.min(count, blocksPerMapBlock - start);
      markBits(bits, { start, count: here, used });
      vbn += here;
      count -= here;
    }
  }
}

function markBits(bits: Uint8Array, range: { start: number; count: number; used: boolean }): void {
  const expected = range.used ? 0 : 0xff;
  let bit = range.start;
  const end = range.start + range.count;
  while (bit < end) {
    const index = bit >> 3;
    const here = Math.min(8 - (bit & 7), end - bit);
    const mask = ((1 << here) - 1) << (bit & 7);
    assert((bits[index]! & mask) === (expected & mask), 'a block is allocated and freed once only');
    bits[index] = bits[index]! ^ mask;
    bit += here;
  }
}

/** What of a map block is searched: from one VBN to another, for runs of at least a minimum. */
interface ScanRange {
  /** The VBN of the map block's first bit. */
  readonly first: number;
  readonly from: number;
  readonly end: number;
  readonly minimum: number;
}

/** Runs of clear bits in a map block, as VBNs. Runs shorter than the minimum are left out. */
function freeRuns(bits: Uint8Array | null, range: ScanRange): Extent[] {
  const { first, from, end, minimum } = range;
  if (bits === null) return [{ vbn: from, count: end - from }];
  const runs: Extent[] = [];
  let start = -1;
  const close = (vbn: number): void => {
    if (start >= 0 && vbn - start >= minimum) runs.push({ vbn: start, count: vbn - start });
    start = -1;
  };
  for (let vbn = from; vbn < end; ) {
    const bit = vbn - first;
    const byte = bits[bit >> 3]!;
    if ((bit & 7) === 0 && (byte === 0 || byte === 0xff) && vbn + 8 <= end) {
      if (byte === 0) {
        if (start < 0) start = vbn;
      } else close(vbn);
      vbn += 8;
      continue;
    }
    if ((byte & (1 << (bit & 7))) === 0) {
      if (start < 0) start = vbn;
    } else close(vbn);
    vbn++;
  }
  close(end);
  return runs;
}
