import { MirrorpointError } from '../base/index.ts';

/** What is not built yet. */
export function pending(): never {
  throw new MirrorpointError('unsupported', 'This server cannot do that yet. Use the command line.');
}
