import type { CancelTimer, Clock } from '../../src-main/base/index.ts';
import type { VirtualClock } from './virtual-clock.ts';

/**
 * One life of a simulated server process. When it is killed, nothing that it
 * waits for ever comes: its timers do not fire, its disks and links do not
 * answer, and so its code stands still at the `await` that it has reached.
 */
export class Host implements Clock {
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #onKill: (() => void)[] = [];
  #isAlive = true;

  constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.#clock = clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  get nowNs(): bigint {
    return this.#clock.nowNs;
  }

  /** Others come first, and the process may be dead by then. */
  turn(): Promise<void> {
    return this.sleep(0);
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    return this.#clock.setTimer(delayMs, () => {
      if (this.#isAlive) callback();
    });
  }

  /** Resolves after the delay, and never when the process is dead by then. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(delayMs, resolve);
    });
  }

  onKill(act: () => void): void {
    this.#onKill.push(act);
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const act of this.#onKill.splice(0)) act();
  }
}
