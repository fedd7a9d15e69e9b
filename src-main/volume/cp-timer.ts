import { type CancelTimer, type Clock, MirrorpointError } from '../base/index.ts';

export const cpIntervalMinMs = 1000;
export const cpIntervalMaxMs = 24 * 3600 * 1000;

/** Takes a CP each interval when there is something to take. A tick that falls into a running CP is not made up for. */
export class CpTimer {
  readonly #clock: Clock;
  readonly #tick: () => void;
  #intervalMs = 0;
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock, tick: () => void) {
    this.#clock = clock;
    this.#tick = tick;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Starts, changes or (0) stops the timer. Throws `argument-invalid` outside of 1 s to 24 h. */
  set(intervalMs: number): void {
    if (intervalMs !== 0 && !(intervalMs >= cpIntervalMinMs && intervalMs <= cpIntervalMaxMs)) {
      throw new MirrorpointError(
        'argument-invalid',
        `A CP interval of ${intervalMs} ms is not possible: choose 1 second to 24 hours.`,
      );
    }
    this.#cancel?.();
    this.#intervalMs = intervalMs;
    this.#cancel = intervalMs === 0 ? undefined : this.#arm();
  }

  #arm(): CancelTimer {
    return this.#clock.setTimer(this.#intervalMs, () => {
      this.#cancel = this.#arm();
      this.#tick();
    });
  }
}
