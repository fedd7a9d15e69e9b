import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How much memory stays in use, whatever is garbage. */
export class HeapWatch {
  readonly #before = usedBytes();

  growthBytes(): number {
    return usedBytes() - this.#before;
  }
}

function usedBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
