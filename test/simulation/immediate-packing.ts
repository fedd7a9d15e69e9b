import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Packing } from '../../src-main/wire/index.ts';

/** zstd on the thread that asks, so that a run does the same every time. On virtual time it takes none. */
export const immediatePacking: Packing = {
  pack: async (bytes) => zstdCompressSync(bytes),
  unpack: async (packed, bytes) => zstdDecompressSync(packed, { maxOutputLength: bytes }),
};
