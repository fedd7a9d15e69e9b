import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the heap of a server as small as it can be without cost: its data lies
 * in buffers outside of it. V8's space for new objects stays as large as it is
 * now, some MiB, where it would grow to 128 MiB on a machine with much memory;
 * and old objects are collected when they have grown by more than half, where
 * V8 would wait for four times as many. To be called before much is loaded,
 * since loading lets both grow too.
 */
export function keepHeapSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=60');
}
