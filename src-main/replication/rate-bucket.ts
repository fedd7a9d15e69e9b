import { type Clock, sleep } from '../base/index.ts';

/** What may go at once after a time of rest, as a part of a second's bytes. */
const burstSeconds = 0.25;

/** Longest wait before the limit is looked at again. */
const sliceMs = 250;

/**
 * Holds what goes through to a limit of bytes per second, which may change at
 * any time: a bucket that is filled with debt by what went, and drained by time.
 */
export class RateBucket {
  readonly #clock: Clock;
  readonly #rate: () => number | undefined;
  #debtBytes = 0;
  #drainedMs: number;

  /** `rate` gives the limit as it is now, in bytes per second; undefined for none. */
  constructor(clock: Clock, rate: () => number | undefined) {
    this.#clock = clock;
    this.#rate = rate;
    this.#drainedMs = clock.monotonicMs();
  }

  /** The limit as it is now. */
  get bytesPerSecond(): number | undefined {
    return this.#rate();
  }

  /** Whether the next bytes must wait. */
  get isFull(): boolean {
    this.#drain();
    return this.#debtBytes > 0;
  }

  /** Resolves after a while, at the latest when the bucket may be drained. */
  async rest(): Promise<void> {
    const rate = this.#rate();
    if (rate !== undefined) await sleep(this.#clock, Math.min(sliceMs, Math.ceil((this.#debtBytes / rate) * 1000)));
  }

  /** Counts bytes that go now. */
  spend(bytes: number): void {
    this.#drain();
    if (this.#rate() !== undefined) this.#debtBytes += bytes;
  }

  #drain(): void {
    const nowMs = this.#clock.monotonicMs();
    const rate = this.#rate();
    this.#debtBytes = rate === undefined ? 0 : Math.max(-rate * burstSeconds, this.#debtBytes - (rate * (nowMs - this.#drainedMs)) / 1000);
    this.#drainedMs = nowMs;
  }
}
