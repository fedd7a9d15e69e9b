const pageBlocks = 1 << 15;

/** A set of block numbers: a bit for each block in the stretches that it touches. */
export class BlockSet {
  readonly #pages = new Map<number, Uint8Array>();

  has(vbn: number): boolean {
    const bit = vbn % pageBlocks;
    return ((this.#pages.get(Math.floor(vbn / pageBlocks))?.[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  add(vbn: number): void {
    const number = Math.floor(vbn / pageBlocks);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(pageBlocks / 8);
      this.#pages.set(number, page);
    }
    const bit = vbn % pageBlocks;
    page[bit >> 3]! |= 1 << (bit & 7);
  }
}
