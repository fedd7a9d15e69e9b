/**
 * Lets a CP wait for the reads that began before it. A read of the live volume,
 * and an operation that misses a block, find their blocks first and read the
 * devices afterwards; meanwhile a CP may free those blocks, but the CP after it,
 * which could write over them, waits here (epoch-based reclamation).
 */
export class ReadGate {
  #count = 0;
  #generation = new Set<() => void>();
  #waiting: (() => void) | undefined;
  #earlier = 0;

  /** Enters a read; the result leaves it, and may be called once. */
  enter(): () => void {
    this.#count++;
    const own = this.#generation;
    const leave = (): void => {
      if (!own.delete(leave)) return;
      this.#count--;
      if (own !== this.#generation && --this.#earlier === 0) {
        this.#waiting?.();
        this.#waiting = undefined;
      }
    };
    own.add(leave);
    return leave;
  }

  /** Resolves when every read entered before this call has been left. One caller at a time. */
  drain(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#earlier = this.#count;
    this.#generation = new Set();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
