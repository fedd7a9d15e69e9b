export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Disjoint ranges of numbers, kept in order and merged where they touch. */
export class RangeSet {
  #ranges: Range[] = [];

  get count(): number {
    return this.#ranges.length;
  }

  /** The ranges in order. */
  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const first = this.#firstEndingAtOrAfter(start);
    let last = first;
    let from = start;
    let to = end;
    for (; last < this.#ranges.length && this.#ranges[last]!.start <= end; last++) {
      from = Math.min(from, this.#ranges[last]!.start);
      to = Math.max(to, this.#ranges[last]!.end);
    }
    this.#ranges.splice(first, last - first, { start: from, end: to });
  }

  remove(start: number, end: number): void {
    if (start >= end) return;
    const first = this.#firstEndingAtOrAfter(start + 1);
    const rest: Range[] = [];
    let last = first;
    for (; last < this.#ranges.length && this.#ranges[last]!.start < end; last++) {
      const range = this.#ranges[last]!;
      if (range.start < start) rest.push({ start: range.start, end: start });
      if (range.end > end) rest.push({ start: end, end: range.end });
    }
    this.#ranges.splice(first, last - first, ...rest);
  }

  /** Takes out and gives the first range at least so long. */
  take(lengthMin: number): Range | undefined {
    const index = this.#ranges.findIndex((range) => range.end - range.start >= lengthMin);
    return index < 0 ? undefined : this.#ranges.splice(index, 1)[0];
  }

  /** Drops the ranges shorter than this. */
  dropShorter(lengthMin: number): void {
    this.#ranges = this.#ranges.filter((range) => range.end - range.start >= lengthMin);
  }

  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.end < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
