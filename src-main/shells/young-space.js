import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's space for new objects as large as it is now, some MiB. The data of
 * a server lies in buffers outside of it; left alone, it grows to 128 MiB on a
 * machine with much memory, and is no faster for that. To be called before much
 * is loaded, since loading lets it grow too.
 */
export function keepYoungSpaceSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
}
