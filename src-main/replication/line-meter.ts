import type { Clock } from '../base/index.ts';
import type { LineUse } from './packing-policy.ts';

/** Shortest stretch of time that says something about the line. */
const stretchMs = 1000;

/** Measures what a line takes, in stretches of a second or more. */
export class LineMeter {
  readonly #clock: Clock;
  #startedMs: number;
  #bytes = 0;
  #busyMs = 0;
  #waiting = 0;
  #busySinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** So many bytes are given to the line; what is returned says that it has taken them. */
  give(bytes: number): () => void {
    if (this.#waiting++ === 0) this.#busySinceMs = this.#clock.monotonicMs();
    return () => {
      this.#bytes += bytes;
      if (--this.#waiting === 0) this.#busyMs += this.#clock.monotonicMs() - this.#busySinceMs;
    };
  }

  /** What was measured since the last time that this gave something; undefined when that is too short. */
  read(): LineUse | undefined {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs < stretchMs) return undefined;
    const isBusy = this.#waiting > 0;
    const use = { bytes: this.#bytes, busyMs: this.#busyMs + (isBusy ? nowMs - this.#busySinceMs : 0), elapsedMs };
    this.#startedMs = this.#busySinceMs = nowMs;
    this.#bytes = this.#busyMs = 0;
    return use;
  }
}
