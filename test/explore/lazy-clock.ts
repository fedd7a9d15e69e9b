import { type CancelTimer, type Clock, type SeededRandom } from '../../src-main/base/index.ts';

/** A clock on which much happens at one moment, so that times tell nothing. */
export class LazyClock implements Clock {
  readonly #random: SeededRandom;
  #nowMs = 1_800_000_000_000;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  wallMs(): number {
    if (this.#random.below(10) === 0) this.#nowMs += 1;
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  setTimer(): CancelTimer {
    return () => undefined;
  }
}
