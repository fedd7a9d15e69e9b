/** Lets a bounded number of tasks run at once, and gathers the first fault. */
export class TaskGroup {
  readonly #limit: number;
  readonly #costLimit: number;
  #running = 0;
  #cost = 0;
  #fault: { thrown: unknown } | undefined;
  #changed: (() => void)[] = [];

  /** `costLimit` bounds the sum of the costs of running tasks; one task alone may exceed it. */
  constructor(limit: number, costLimit = Infinity) {
    this.#limit = limit;
    this.#costLimit = costLimit;
  }

  /** Starts the task when there is room for it. Throws the first fault of an earlier one. */
  async start(task: () => Promise<void>, cost = 0): Promise<void> {
    while (this.#running >= this.#limit || (this.#running > 0 && this.#cost + cost > this.#costLimit)) {
      await this.#change();
    }
    this.#throwFault();
    this.#running++;
    this.#cost += cost;
    void task()
      .catch((thrown: unknown) => {
        this.#fault ??= { thrown };
      })
      .then(() => {
        this.#running--;
        this.#cost -= cost;
        const waiting = this.#changed;
        this.#changed = [];
        for (const resume of waiting) resume();
      });
  }

  /** Waits for all that were started; does not throw. */
  async settle(): Promise<void> {
    while (this.#running > 0) await this.#change();
  }

  /** Waits for all that were started. Throws the first fault. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFault();
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault.thrown;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve);
    });
  }
}
