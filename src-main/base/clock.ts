/** Cancels a timer that has not fired. Calling it again does nothing. */
export type CancelTimer = () => void;

/** Time and timers, passed in everywhere so that a simulator can run whole servers on virtual time. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970 UTC: a label, never an order. */
  wallMs(): number;
  /** Monotonic time in milliseconds, for durations. */
  monotonicMs(): number;
  /** Runs the callback once after the delay. */
  setTimer(delayMs: number, callback: () => void): CancelTimer;
  /** Resolves when whatever is due now has run. */
  turn(): Promise<void>;
}

/** Resolves after the delay on the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}

const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, longestTimerMs));
    return () => {
      clearTimeout(timer);
    };
  },
  turn: () =>
    new Promise((resolve) => {
      setImmediate(resolve);
    }),
};
