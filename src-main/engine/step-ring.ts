/** What was measured in one step of time. */
export interface Step<T> {
  /** The time of its beginning, in steps since 1970 UTC. */
  readonly index: number;
  readonly value: T;
}

/**
 * The last steps of a course, at most so many, in the order of their times. Only
 * those are there in which something was measured. What is labelled later than
 * what comes now was labelled by a clock that was set back since, and goes: no
 * step is of the future, and none is there twice. A clock that jumps ahead pushes
 * out no more than it adds.
 */
export class StepRing<T> {
  readonly #stepsMax: number;
  readonly #steps: Step<T>[] = [];
  #changedFrom = Infinity;

  constructor(stepsMax: number) {
    this.#stepsMax = stepsMax;
  }

  /** Adds what was measured to its step. */
  add(index: number, value: T, merge: (known: T, more: T) => T): void {
    const known = this.#at(index);
    this.put({ index, value: known === undefined ? value : merge(known.value, value) });
  }

  /** Makes a step what is given. */
  put(step: Step<T>): void {
    const { index } = step;
    while ((this.#steps.at(-1)?.index ?? -Infinity) >= index) this.#steps.pop();
    this.#steps.push(step);
    if (this.#steps.length > this.#stepsMax) this.#steps.shift();
    this.#changedFrom = Math.min(this.#changedFrom, index);
  }

  get all(): readonly Step<T>[] {
    return this.#steps;
  }

  /** Those of the last so many steps up to one. */
  upTo(index: number): Step<T>[] {
    return this.#steps.filter((step) => step.index <= index && step.index > index - this.#stepsMax);
  }

  /** Those that have changed since `settle`. To put them again after the older ones is to have them all. */
  get changed(): Step<T>[] {
    return this.#steps.filter(({ index }) => index >= this.#changedFrom);
  }

  /** What has changed so far is stored. */
  settle(): void {
    this.#changedFrom = Infinity;
  }

  #at(index: number): Step<T> | undefined {
    return this.#steps.findLast((step) => step.index === index);
  }
}
