/**
 * Blocks: proven block reads, long runs of writes, the bounded cache of clean
 * blocks, and the pool of buffers that wait for a consistency point.
 *
 * Invariants: bytes from the cache have passed their pointer's checksum; a
 * (VBN, birth) pair names one content for ever; memory is bounded by the
 * cache's and the pool's capacities.
 */
export * from './pointer-list.ts';
export * from './block-store.ts';
export * from './block-cache.ts';
export * from './block-pool.ts';
