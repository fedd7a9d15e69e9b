import { type Clock, sleep } from './clock.ts';

/** Work of the processor that nobody notices. */
const turnMsMax = 0.15;

/** The same while others ask for something, and what it leaves to them after each turn. */
const gentleTurnMsMax = 0.05;
const gentlePauseMs = 1;

/** Whom long work makes way for. */
export interface Others {
  /** Counts what they have asked for. */
  readonly requestCount: () => number;
  /** Whether the work itself is waited for, and makes way for nobody. */
  readonly isUrgent: () => boolean;
}

const nobody: Others = { requestCount: () => 0, isUrgent: () => true };

/**
 * Cuts long work into turns, between which whatever else is due runs: a request
 * need not wait for all of it. While requests come and the work is not urgent it
 * is gentle: turns are shorter, and after each it rests.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #others: Others;
  #startedMs: number;
  #requestCount: number;
  #isGentle = false;

  constructor(clock: Clock, others = nobody) {
    this.#clock = clock;
    this.#others = others;
    this.#startedMs = clock.monotonicMs();
    this.#requestCount = others.requestCount();
  }

  /** Others have asked for something during the last turn. */
  get isGentle(): boolean {
    return this.#isGentle;
  }

  /** Undefined while this turn is short; else resolves when the next begins. */
  pass(): Promise<void> | undefined {
    const turnMs = this.#clock.monotonicMs() - this.#startedMs;
    return turnMs < (this.#isGentle ? gentleTurnMsMax : turnMsMax) ? undefined : this.#pass();
  }

  async #pass(): Promise<void> {
    await this.#clock.turn();
    const requestCount = this.#others.requestCount();
    this.#isGentle = requestCount !== this.#requestCount && !this.#others.isUrgent();
    this.#requestCount = requestCount;
    if (this.#isGentle) await sleep(this.#clock, gentlePauseMs);
    this.#startedMs = this.#clock.monotonicMs();
  }
}
