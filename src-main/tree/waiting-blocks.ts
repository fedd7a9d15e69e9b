const pageShift = 6;
const pageLength = 2 ** pageShift;

type Page = (Uint8Array | undefined)[];

/**
 * Blocks that wait for a CP, by their index in a file. They lie in pages of
 * neighbours: what is written in a row costs an array's slot and no look-up, and
 * nothing that grows with all that waits is ever copied, as a map's table is.
 */
export class WaitingBlocks {
  readonly #pages = new Map<number, Page>();
  #size = 0;
  #latestNumber = -1;
  #latest: Page | undefined;

  get size(): number {
    return this.#size;
  }

  get(index: number): Uint8Array | undefined {
    return this.#page(pageOf(index))?.[index % pageLength];
  }

  has(index: number): boolean {
    return this.get(index) !== undefined;
  }

  set(index: number, bytes: Uint8Array): void {
    const number = pageOf(index);
    const page = this.#page(number) ?? this.#add(number);
    const slot = index % pageLength;
    if (page[slot] === undefined) this.#size++;
    page[slot] = bytes;
  }

  delete(index: number): void {
    const page = this.#page(pageOf(index));
    const slot = index % pageLength;
    if (page?.[slot] === undefined) return;
    page[slot] = undefined;
    this.#size--;
  }

  /** Rising within a page; pages come in the order of their first writes. */
  *entries(): Generator<[index: number, bytes: Uint8Array]> {
    for (const [number, page] of this.#pages) {
      for (let slot = 0; slot < page.length; slot++) {
        const bytes = page[slot];
        if (bytes !== undefined) yield [number * pageLength + slot, bytes];
      }
    }
  }

  /** In the order of `entries`. */
  *keys(): Generator<number> {
    for (const [index] of this.entries()) yield index;
  }

  /** The lowest index at or after `from` that `isWanted` says yes to; `Infinity` when there is none. */
  firstFrom(from: number, isWanted: (index: number) => boolean): number {
    let first = Infinity;
    for (const [number, page] of this.#pages) {
      const start = number * pageLength;
      if (start >= first || start + pageLength <= from) continue;
      for (let index = Math.max(start, from); index < Math.min(start + page.length, first); index++) {
        if (page[index - start] !== undefined && isWanted(index)) first = index;
      }
    }
    return first;
  }

  #page(number: number): Page | undefined {
    if (number === this.#latestNumber) return this.#latest;
    const page = this.#pages.get(number);
    if (page === undefined) return undefined;
    this.#latestNumber = number;
    this.#latest = page;
    return page;
  }

  #add(number: number): Page {
    const page: Page = [];
    this.#pages.set(number, page);
    this.#latestNumber = number;
    this.#latest = page;
    return page;
  }
}

function pageOf(index: number): number {
  return Math.floor(index / pageLength);
}
