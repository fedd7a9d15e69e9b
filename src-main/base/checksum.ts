import xxhash from 'xxhash-wasm';

const hasher = await xxhash();

/**
 * XXH64 of the bytes: detects rot, torn, lost and misdirected writes. It is no
 * defence against a forger; peers are authenticated by the link instead.
 */
export function checksumOf(bytes: Uint8Array): bigint {
  return hasher.h64Raw(bytes, 0n);
}
