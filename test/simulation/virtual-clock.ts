import type { CancelTimer, Clock } from '../../src-main/base/index.ts';

interface Timer {
  readonly atMs: number;
  /** Timers of one moment fire in the order in which they were set. */
  readonly sequence: number;
  callback: (() => void) | undefined;
}

/** Virtual time: it stands still while code runs, and jumps to the next timer when told to. */
export class VirtualClock implements Clock {
  readonly #heap: Timer[] = [];
  readonly #startWallMs: number;
  #nowMs = 0;
  #sequence = 0;
  /** Timers that have fired: how much has happened. */
  fired = 0;

  constructor(startWallMs = 1_800_000_000_000) {
    this.#startWallMs = startWallMs;
  }

  wallMs(): number {
    return this.#startWallMs + Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  get nowNs(): bigint {
    return BigInt(this.wallMs()) * 1_000_000n;
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Lets time pass without firing anything: for tests that set no timers. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Lets time pass, and fires every timer that falls due on the way. */
  pass(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    while (this.step(endMs));
    this.#nowMs = endMs;
  }

  /** Jumps to the next timer and fires it; false when there is none before the end. */
  step(endMs = Infinity): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) return false;
      this.#pop();
      if (next.callback === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.fired++;
      next.callback();
      return true;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[parent]!)) break;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}
