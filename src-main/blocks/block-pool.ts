import { assert } from '../base/index.ts';

const slabBytes = 1 << 20;

/**
 * The memory of blocks that wait for a consistency point: a fixed number of
 * block buffers, cut from slabs and used again, so that a write allocates
 * nothing. Whoever takes a buffer gives it back.
 */
export class BlockPool {
  readonly capacity: number;
  readonly #blockSizeBytes: number;
  readonly #free: Uint8Array[] = [];
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
    return this.#free.pop() ?? this.#cutSlab();
  }

  give(bytes: Uint8Array): void {
    this.#taken--;
    if (this.#taken < this.capacity) this.#free.push(bytes);
  }

  /**
   * Lifts the bound while a journal is replayed: its requests fitted the memory
   * of the server that took them, which may have had more.
   */
  set mayExceed(mayExceed: boolean) {
    this.#mayExceed = mayExceed;
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
