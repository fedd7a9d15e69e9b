/**
 * Base: what every room may use. Errors with codes, assertions, little-endian
 * bytes, checksums, times as people read them, the clock and the random source. It knows nothing of
 * volumes, and nothing here holds state beyond a single object.
 */
export * from './errors.ts';
export * from './assert.ts';
export * from './bytes.ts';
export * from './checksum.ts';
export * from './clock.ts';
export * from './times.ts';
export * from './turns.ts';
export * from './random.ts';
export * from './mutex.ts';
