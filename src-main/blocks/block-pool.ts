import { assert } from '../base/index.ts';

const slabBytes = 1 << 20;

/** Of the first slab this is cut off and used first: a volume that is only looked at needs few blocks, and clearing memory takes time. */
const firstPieceBytes = 1 << 16;

/**
 * The memory of blocks that wait for a consistency point: a fixed number of
 * block buffers, cut from slabs and used again, so that a write allocates
 * nothing. Whoever takes a buffer gives it back. The one given back first is
 * taken first: blocks that were neighbours in memory stay so, and go to the
 * devices as one piece.
 */
export class BlockPool {
  readonly capacity: number;
  readonly #blockSizeBytes: number;
  /** A ring of at most `capacity` places; the free buffers stand from `#first` on. */
  readonly #ring: Uint8Array[] = [];
  #first = 0;
  #standing = 0;
  #cutCount = 0;
  #taken = 0;
  #mayExceed = false;

  constructor(options: { capacityBytes: number; blockSizeBytes: number }) {
    this.#blockSizeBytes = options.blockSizeBytes;
    this.capacity = Math.floor(options.capacityBytes / options.blockSizeBytes);
  }

  get takenCount(): number {
    return this.#taken;
  }

  get freeCount(): number {
    return this.capacity - this.#taken;
  }

  /** A buffer of one block with arbitrary contents. The caller has made sure that one is free. */
  take(): Uint8Array {
    assert(
      this.#taken < this.capacity || this.#mayExceed,
      'room in the block pool is made sure of before an operation starts',
    );
    this.#taken++;
    if (this.#standing === 0) this.#cutSlab();
    const bytes = this.#ring[this.#first]!;
    this.#first = (this.#first + 1) % this.capacity;
    this.#standing--;
    return bytes;
  }

  give(bytes: Uint8Array): void {
    this.#taken--;
    if (this.#taken < this.capacity) this.#add(bytes);
  }

  /**
   * Lifts the bound while a journal is replayed: its requests fitted the memory
   * of the server that took them, which may have had more.
   */
  set mayExceed(mayExceed: boolean) {
    this.#mayExceed = mayExceed;
  }

  #add(bytes: Uint8Array): void {
    this.#ring[(this.#first + this.#standing++) % this.capacity] = bytes;
  }

  #cutSlab(): void {
    const wantedBytes = this.#cutCount === 0 ? firstPieceBytes : slabBytes - ((this.#cutCount * this.#blockSizeBytes) % slabBytes);
    const count = Math.max(1, Math.min(Math.floor(wantedBytes / this.#blockSizeBytes), this.capacity - this.#cutCount));
    for (const bytes of cutBlocks(new Uint8Array(count * this.#blockSizeBytes), this.#blockSizeBytes)) this.#add(bytes);
    this.#cutCount += count;
  }
}

/** The whole blocks of a piece of memory. */
export function cutBlocks(memory: Uint8Array, blockSizeBytes: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let offset = 0; offset + blockSizeBytes <= memory.length; offset += blockSizeBytes) {
    blocks.push(memory.subarray(offset, offset + blockSizeBytes));
  }
  return blocks;
}
