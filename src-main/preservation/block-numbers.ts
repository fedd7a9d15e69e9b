const pageBits = 10;
const pageNumbers = 1 << pageBits;

/** A map from block numbers to block numbers, for numbers that come in runs: 8 bytes each. */
export class BlockNumbers {
  /** By the upper bits of the key; each number is one more than its value, and 0 means none. */
  readonly #pages = new Map<number, Float64Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): number | undefined {
    const value = this.#pages.get(Math.floor(key / pageNumbers))?.[key % pageNumbers] ?? 0;
    return value === 0 ? undefined : value - 1;
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  set(key: number, value: number): void {
    const number = Math.floor(key / pageNumbers);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Float64Array(pageNumbers);
      this.#pages.set(number, page);
    }
    if (page[key % pageNumbers] === 0) this.#size++;
    page[key % pageNumbers] = value + 1;
  }

  delete(key: number): void {
    const page = this.#pages.get(Math.floor(key / pageNumbers));
    if (page === undefined || page[key % pageNumbers] === 0) return;
    page[key % pageNumbers] = 0;
    this.#size--;
  }

  /** All pairs, in rising order of the keys. */
  *entries(): Generator<[key: number, value: number]> {
    for (const number of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(number)!;
      for (let index = 0; index < pageNumbers; index++) {
        if (page[index]! > 0) yield [number * pageNumbers + index, page[index]! - 1];
      }
    }
  }
}
