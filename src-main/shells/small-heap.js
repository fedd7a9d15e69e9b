import { setFlagsFromString } from 'node:v8';

/**
 * Flags of V8 that keep the heap of a server small: its data lies in buffers
 * outside of it. The space for new objects stays as large as it is when they
 * are set, some MiB, where it would grow to 128 MiB on a machine with much
 * memory; and old objects are collected when they have grown by more than 40 %,
 * where V8 may wait for four times as many.
 *
 * What TLS receives comes in a new buffer for every 16 KiB, which hardly lives.
 * By itself V8 counts the bytes of such buffers as growth of the old objects,
 * and goes through all of those forty times a gigabyte. So they are counted for
 * themselves, and the new objects alone are collected when theirs are 16 MiB.
 * So few new objects are looked through in less time than it takes to call other
 * threads to help.
 */
export const smallHeapFlags = [
  '--semi-space-growth-factor=1',
  '--heap-growing-percent=40',
  '--external-memory-accounted-in-global-limit',
  '--scavenger-max-new-space-capacity-mb=4',
  '--no-parallel-scavenge',
];

/** To be called before much is loaded, since loading lets the heap grow too. */
export function keepHeapSmall() {
  for (const flag of smallHeapFlags) setFlagsFromString(flag);
}
