/** A set of whole numbers kept as sorted, disjoint, half-open intervals. */
export class IntervalSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  /** Adds [start, end). `end` may be Infinity. */
  add(start: number, end: number): void {
    if (start >= end) return;
    const from = this.#firstEndingAtOrAfter(start);
    let to = from;
    while (to < this.#starts.length && this.#starts[to]! <= end) {
      start = Math.min(start, this.#starts[to]!);
      end = Math.max(end, this.#ends[to]!);
      to++;
    }
    this.#starts.splice(from, to - from, start);
    this.#ends.splice(from, to - from, end);
  }

  has(value: number): boolean {
    return this.endAround(value) !== undefined;
  }

  /** The end of the interval that holds the value, or undefined when none does. */
  endAround(value: number): number | undefined {
    const index = this.#firstEndingAtOrAfter(value + 1);
    return index < this.#starts.length && this.#starts[index]! <= value ? this.#ends[index] : undefined;
  }

  *[Symbol.iterator](): Generator<[start: number, end: number]> {
    for (let index = 0; index < this.#starts.length; index++) yield [this.#starts[index]!, this.#ends[index]!];
  }

  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
