import type { Clock } from './clock.ts';

/** Work of the processor that nobody notices. */
const turnMsMax = 0.15;

/** Cuts long work into turns, between which whatever else is due runs: a request need not wait for all of it. */
export class Turns {
  readonly #clock: Clock;
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** Undefined while this turn is short; else resolves when the next begins. */
  pass(): Promise<void> | undefined {
    if (this.#clock.monotonicMs() - this.#startedMs < turnMsMax) return undefined;
    return this.#pass();
  }

  async #pass(): Promise<void> {
    await this.#clock.turn();
    this.#startedMs = this.#clock.monotonicMs();
  }
}
