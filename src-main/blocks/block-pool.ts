import { assert } from '../base/index.ts';

const slabBytes = 1 << 20;

/**
 * The memory of blocks that wait for a consistency point: a fixed number of
 * block buffers, cut from slabs and used again, so that a write allocates
 * nothing. Whoever takes a buffer gives it back or forfeits it.
 */
export class BlockPool {
  readonly capacity: number;
  readonly #blockSizeBytes: number;
  readonly #free: Uint8Array[] = [];
  #taken = 0;

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
    assert(this.#taken < this.capacity, 'room in the block pool is made sure of before an operation starts');
    this.#taken++;
    return this.#free.pop() ?? this.#cutSlab();
  }

  give(bytes: Uint8Array): void {
    this.#taken--;
    this.#free.push(bytes);
  }

  /** Gives up a buffer that somebody else may still read: its room is free again, its memory is not used again. */
  forfeit(): void {
    this.#taken--;
  }

  #cutSlab(): Uint8Array {
    const [first, ...others] = cutBlocks(new Uint8Array(Math.max(slabBytes, this.#blockSizeBytes)), this.#blockSizeBytes);
    this.#free.push(...others);
    return first!;
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
