import { assert } from '../base/index.ts';
import { outstandingBytesMax, outstandingSendsMax } from './limits.ts';

/** Counts the sends that the carrier has not taken yet. Too many are a programmer's fault: senders wait for their sends. */
export class Outstanding {
  #sends = 0;
  #bytes = 0;

  add(bytes: number): void {
    assert(
      this.#sends < outstandingSendsMax && (this.#sends === 0 || this.#bytes + bytes <= outstandingBytesMax),
      `a link holds at most ${outstandingSendsMax} sends and ${outstandingBytesMax} bytes that were not taken yet`,
    );
    this.#sends++;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#sends--;
    this.#bytes -= bytes;
  }
}
