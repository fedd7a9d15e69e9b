import type { BlockCache } from '../blocks/index.ts';
import type { KeyedFile } from '../tree/index.ts';
import { countBlocks, countedRecords, type EraRange } from './dead-counting.ts';
import type { Chain, DeadBucket } from './dead-record.ts';

/** Blocks by era. */
type Eras = Map<number, number>;

/**
 * Counts of dead blocks that keep up with the deadlists: all of them, and by era
 * those of the holders that are watched. Each is read once, when it is first
 * wanted, and follows the changes of the records from then on.
 *
 * Memory: a number for each era of each watched holder. Only holders that nobody
 * named are watched, of which there are a few for each mirror, and each has at
 * most as many eras as there were kept roots.
 */
export class DeadTally {
  readonly #dead: { file: KeyedFile; cache: BlockCache };
  readonly #holders = new Map<string, Eras>();
  #total = 0;
  /** Records up to this key are in the total; undefined: none yet. */
  #countedTo: Uint8Array | undefined;
  #isCounted = false;
  /** What the running CP changes. */
  #pendingTotal = 0;
  readonly #pending = new Map<string, Eras>();

  constructor(dead: { file: KeyedFile; cache: BlockCache }) {
    this.#dead = dead;
  }

  /** A record of a bucket has gained blocks, or lost them, in the CP that is being written. */
  note(bucket: DeadBucket, key: Uint8Array, blocks: number): void {
    // A record that the count has not come to will be read as it is then.
    if (this.#isCounted || (this.#countedTo !== undefined && Buffer.compare(key, this.#countedTo) <= 0)) this.#pendingTotal += blocks;
    const id = idOf(bucket);
    if (!this.#holders.has(id)) return;
    const eras = this.#pending.get(id) ?? new Map<number, number>();
    add(eras, bucket.eraCp, blocks);
    this.#pending.set(id, eras);
  }

  /** The CP is durable, or has failed. */
  settle(committed: boolean): void {
    if (committed) {
      this.#total += this.#pendingTotal;
      for (const [id, eras] of this.#pending) {
        const watched = this.#holders.get(id);
        if (watched !== undefined) for (const [eraCp, blocks] of eras) add(watched, eraCp, blocks);
      }
    }
    this.#pendingTotal = 0;
    this.#pending.clear();
  }

  /** All dead blocks, or undefined while they are being counted. Called between CPs, again and again until it knows; CPs may come in between. */
  async countAll(): Promise<number | undefined> {
    if (this.#isCounted) return this.#total;
    const page = await countedRecords(this.#dead, { key: this.#countedTo, exclusive: true });
    for (const { blocks } of page) this.#total += blocks;
    this.#countedTo = page.at(-1)?.key ?? this.#countedTo;
    this.#isCounted = page.length === 0;
    return this.#isCounted ? this.#total : undefined;
  }

  /** Watches these holders and no others. Called between CPs. */
  async watch(holders: readonly { chain: Chain; holderCp: number }[]): Promise<void> {
    const wanted = new Set(holders.map(idOf));
    for (const id of this.#holders.keys()) if (!wanted.has(id)) this.#holders.delete(id);
    for (const holder of holders) {
      if (this.#holders.has(idOf(holder))) continue;
      const eras: Eras = new Map();
      await countBlocks(this.#dead, { ...holder, aboveCp: 0, upToCp: holder.holderCp }, (eraCp, blocks) => {
        add(eras, eraCp, blocks);
      });
      this.#holders.set(idOf(holder), eras);
    }
  }

  /** Blocks of a watched holder. */
  blocks(range: EraRange): number {
    let sum = 0;
    for (const [eraCp, blocks] of this.#holders.get(idOf(range)) ?? []) {
      if (eraCp > range.aboveCp && eraCp <= range.upToCp) sum += blocks;
    }
    return sum;
  }
}

function idOf({ chain, holderCp }: { chain: Chain; holderCp: number }): string {
  return `${chain} ${holderCp}`;
}

function add(eras: Eras, eraCp: number, blocks: number): void {
  const sum = (eras.get(eraCp) ?? 0) + blocks;
  if (sum === 0) eras.delete(eraCp);
  else eras.set(eraCp, sum);
}
