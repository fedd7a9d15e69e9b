import { assert } from '../base/index.ts';

const pageBytes = 4096;
const zeroPage = new Uint8Array(pageBytes);

/**
 * A space of bytes of any size that costs memory only where it was written.
 * A fork sees its parent's bytes and keeps its own changes apart, so a copy
 * costs only the pages touched since; the parent must not change while a fork
 * is in use.
 */
export class SparseBytes {
  readonly #parent: SparseBytes | undefined;
  readonly #pages = new Map<number, Uint8Array>();
  /** Pages whose bytes belong to someone else: replaced, never written into. */
  readonly #borrowed = new Set<number>();

  constructor(parent?: SparseBytes) {
    this.#parent = parent;
  }

  /** Bytes of memory that this space holds by itself, without its parent's. */
  get ownBytes(): number {
    return this.#pages.size * pageBytes;
  }

  fork(): SparseBytes {
    return new SparseBytes(this);
  }

  /** What is seen here, in a space of its own that no other's changes reach. */
  copy(): SparseBytes {
    const copy = this.#parent?.copy() ?? new SparseBytes();
    for (const [index, page] of this.#pages) {
      if (page === zeroPage) copy.#pages.delete(index);
      else copy.#pages.set(index, page.slice());
    }
    return copy;
  }

  read(offsetBytes: number, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const at = offsetBytes + done;
      const within = at % pageBytes;
      const length = Math.min(pageBytes - within, target.length - done);
      const page = this.#find(Math.floor(at / pageBytes));
      if (page) target.set(length === pageBytes ? page : page.subarray(within, within + length), done);
      else target.fill(0, done, done + length);
      done += length;
    }
  }

  write(offsetBytes: number, source: Uint8Array): void {
    this.#eachPage(offsetBytes, source.length, (index, within, length, done) => {
      this.#writable(index, length === pageBytes).set(source.subarray(done, done + length), within);
    });
  }

  /** Like write, but whole pages keep a reference to the source, which must never change again. */
  borrow(offsetBytes: number, source: Uint8Array): void {
    this.#eachPage(offsetBytes, source.length, (index, within, length, done) => {
      const piece = source.subarray(done, done + length);
      if (length === pageBytes) {
        this.#pages.set(index, piece);
        this.#borrowed.add(index);
      } else {
        this.#writable(index, false).set(piece, within);
      }
    });
  }

  zero(offsetBytes: number, lengthBytes: number): void {
    if (this.#parent === undefined && lengthBytes / pageBytes > this.#pages.size * 2 + 2) {
      this.#zeroOwnPages(offsetBytes, lengthBytes);
      return;
    }
    this.#eachPage(offsetBytes, lengthBytes, (index, within, length) => {
      if (length === pageBytes) this.#zeroPage(index);
      else if (this.#find(index)) this.#writable(index, false).fill(0, within, within + length);
    });
  }

  /** A vast range costs no more than the pages that there are. */
  #zeroOwnPages(offsetBytes: number, lengthBytes: number): void {
    const end = offsetBytes + lengthBytes;
    for (const index of [...this.#pages.keys()]) {
      const from = Math.max(offsetBytes, index * pageBytes);
      const to = Math.min(end, (index + 1) * pageBytes);
      if (to - from === pageBytes) this.#zeroPage(index);
      else if (to > from) this.#writable(index, false).fill(0, from - index * pageBytes, to - index * pageBytes);
    }
  }

  #zeroPage(index: number): void {
    if (this.#findInherited(index)) {
      this.#pages.set(index, zeroPage);
      this.#borrowed.add(index);
    } else {
      this.#pages.delete(index);
      this.#borrowed.delete(index);
    }
  }

  #find(index: number): Uint8Array | undefined {
    return this.#pages.get(index) ?? this.#findInherited(index);
  }

  #findInherited(index: number): Uint8Array | undefined {
    for (let space = this.#parent; space; space = space.#parent) {
      const page = space.#pages.get(index);
      if (page) return page;
    }
    return undefined;
  }

  #writable(index: number, whole: boolean): Uint8Array {
    const own = this.#pages.get(index);
    if (own && !this.#borrowed.has(index)) return own;
    const page = new Uint8Array(pageBytes);
    const before = whole ? undefined : (own ?? this.#findInherited(index));
    if (before) page.set(before);
    this.#pages.set(index, page);
    this.#borrowed.delete(index);
    return page;
  }

  #eachPage(
    offsetBytes: number,
    lengthBytes: number,
    visit: (index: number, within: number, length: number, done: number) => void,
  ): void {
    assert(offsetBytes >= 0 && lengthBytes >= 0, 'a range of bytes must not be negative');
    let done = 0;
    while (done < lengthBytes) {
      const at = offsetBytes + done;
      const within = at % pageBytes;
      const length = Math.min(pageBytes - within, lengthBytes - done);
      visit(Math.floor(at / pageBytes), within, length, done);
      done += length;
    }
  }
}
