import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's space for new objects as large as it is now, some MiB. A server's
 * data lies in buffers outside of it; left alone, it grows to 128 MiB on a
 * machine with much memory, and is no faster for that.
 */
export function keepYoungSpaceSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
