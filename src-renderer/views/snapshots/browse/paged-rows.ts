import { type Ref, type ShallowRef, shallowRef } from 'vue';
import type { MirrorpointError } from '../../../../src-main/contract/index.ts';
import { faultOf } from '../../../composables/index.ts';

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** What the next page is asked for by; left out at the end. */
  readonly next: string | undefined;
}

export interface PagedRowsOptions<Row> {
  /** One page, by what the one before said; the first without. */
  readonly ask: (after: string | undefined, signal: AbortSignal) => Promise<Page<Row>>;
  /** Pages whose rows are kept; those that were looked at longest ago go first. */
  readonly keptPagesMax?: number;
  /** Rows that are shown at the most. */
  readonly rowsMax?: number;
}

/** 64 pages of 1000 rows. */
const keptPagesMax = 64;

/** A browser cannot scroll over much more. */
const rowsMax = 500_000;

/** How close to the end of what is known one has to look before the next page is asked for. */
const aheadRows = 200;

/** A page that is known: where it begins, how many rows it has, and the rows while they are kept. */
interface KnownPage<Row> {
  readonly after: string | undefined;
  readonly first: number;
  readonly count: number;
  rows: readonly Row[] | undefined;
  usedAt: number;
}

interface Known<Row> {
  readonly pages: readonly KnownPage<Row>[];
  /** What the page behind the last one is asked for by. */
  readonly next: string | undefined;
  readonly isComplete: boolean;
  readonly isLoading: boolean;
}

/**
 * The rows of a list that comes in pages, each asked for by what the one
 * before said. What is looked at is asked for, one page at a time; rows far from
 * there are let go, and asked for again when one comes back to them.
 */
export class PagedRows<Row> {
  /** Why the page that is wanted did not come. */
  readonly fault: Ref<MirrorpointError | undefined> = shallowRef();
  readonly #options: Required<PagedRowsOptions<Row>>;
  /** Another one after each change, for whoever shows the rows. */
  readonly #known: ShallowRef<Known<Row>> = shallowRef({ pages: [], next: undefined, isComplete: false, isLoading: false });
  #wanted = { from: 0, to: 0 };
  #clock = 0;
  #controller = new AbortController();
  #loading: Promise<void> | undefined;

  constructor(options: PagedRowsOptions<Row>) {
    this.#options = { keptPagesMax, rowsMax, ...options };
  }

  /** Rows that are known. */
  get count(): number {
    const last = this.#known.value.pages.at(-1);
    return last === undefined ? 0 : last.first + last.count;
  }

  /** Every row is known, and `count` is the length of the list. */
  get isComplete(): boolean {
    return this.#known.value.isComplete;
  }

  /** More rows than are shown. */
  get isCut(): boolean {
    return !this.isComplete && this.count >= this.#options.rowsMax;
  }

  get isLoading(): boolean {
    return this.#known.value.isLoading;
  }

  /** The first page has come. */
  get isBegun(): boolean {
    return this.#known.value.pages.length > 0;
  }

  /** A row, or undefined where it is not here at the moment. */
  at(index: number): Row | undefined {
    const page = this.#pageOf(index);
    return page?.rows?.[index - page.first];
  }

  /** All rows of the first page; the whole list when it is complete with that. */
  get firstPage(): readonly Row[] {
    return this.#known.value.pages[0]?.rows ?? [];
  }

  /** These rows are looked at. Resolves when they are here, or do not come. */
  need(from: number, to: number): Promise<void> {
    this.#wanted = { from, to };
    if (this.#loading === undefined && this.#nextMissing() !== undefined) {
      this.#become({ isLoading: true });
      this.#loading = this.#load(this.#controller.signal);
    }
    return this.#loading ?? Promise.resolve();
  }

  /** Knows every row, page after page, until it is aborted. */
  async needAll(signal: AbortSignal): Promise<void> {
    while (!this.isComplete && !this.isCut && !signal.aborted && !this.#controller.signal.aborted) {
      const before = this.count;
      await this.need(before, before + 1);
      if (this.fault.value !== undefined || this.count === before) return;
    }
  }

  /** Asks again for what did not come. */
  retry(): Promise<void> {
    this.fault.value = undefined;
    return this.need(this.#wanted.from, this.#wanted.to);
  }

  /** Lets everything go that waits. */
  close(): void {
    this.#controller.abort();
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      for (let next = this.#nextMissing(); next !== undefined; next = this.#nextMissing()) {
        const page = await this.#options.ask(next.after, signal);
        if (signal.aborted) return;
        this.fault.value = undefined;
        this.#take(next, page);
      }
    } catch (thrown) {
      if (!signal.aborted) this.fault.value = faultOf(thrown);
    } finally {
      this.#loading = undefined;
      this.#become({ isLoading: false });
    }
  }

  /** The page to ask for next: one among the wanted rows that was let go, or the one behind the last. */
  #nextMissing(): { after: string | undefined; known: KnownPage<Row> | undefined } | undefined {
    const { from, to } = this.#wanted;
    for (const page of this.#known.value.pages) {
      if (page.first >= to || page.first + page.count <= from) continue;
      page.usedAt = ++this.#clock;
      if (page.rows === undefined) return { after: page.after, known: page };
    }
    if (this.isComplete || this.isCut || to + aheadRows <= this.count) return undefined;
    return { after: this.#known.value.next, known: undefined };
  }

  #take(asked: { after: string | undefined; known: KnownPage<Row> | undefined }, page: Page<Row>): void {
    const { known } = asked;
    const { pages } = this.#known.value;
    const usedAt = ++this.#clock;
    if (known !== undefined) {
      Object.assign(known, { rows: page.rows.slice(0, known.count), usedAt });
      this.#letGo(pages);
      this.#become({});
      return;
    }
    const taken: KnownPage<Row> = { after: asked.after, first: this.count, count: page.rows.length, rows: page.rows, usedAt };
    const all = [...pages, taken];
    this.#letGo(all);
    this.#become({ pages: all, next: page.next, isComplete: page.next === undefined });
  }

  #letGo(pages: readonly KnownPage<Row>[]): void {
    const kept = pages.filter((page) => page.rows !== undefined);
    if (kept.length <= this.#options.keptPagesMax) return;
    const oldest = kept.reduce((least, page) => (page.usedAt < least.usedAt ? page : least));
    oldest.rows = undefined;
  }

  #pageOf(index: number): KnownPage<Row> | undefined {
    const { pages } = this.#known.value;
    let [low, high] = [0, pages.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const page = pages[middle]!;
      if (index < page.first) high = middle - 1;
      else if (index >= page.first + page.count) low = middle + 1;
      else return page;
    }
    return undefined;
  }

  #become(change: Partial<Known<Row>>): void {
    this.#known.value = { ...this.#known.value, ...change };
  }
}
