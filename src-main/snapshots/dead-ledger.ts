import { assert } from '../base/index.ts';
import type { BlockCache } from '../blocks/index.ts';
import { type Extent, extentsOf } from '../consistency/index.ts';
import type { KeyedFile } from '../tree/index.ts';
import {
  blocksIn,
  bucketOfKey,
  type Chain,
  type DeadBucket,
  decodeExtents,
  encodeExtents,
  extentBlocksMax,
  isInBucket,
  isOfHolder,
  recordBytesMax,
  recordExtentsMax,
  recordKey,
  sequenceOfKey,
} from './dead-record.ts';
import { DeadTally } from './dead-tally.ts';

/** One record: some of the dead blocks of a bucket. */
interface DeadRecord {
  key: Uint8Array;
  bucket: DeadBucket;
  value: Uint8Array;
}

/**
 * The deadlists: blocks that the live volume no longer references and a kept
 * root still does. A block that died is listed under its holder, the newest kept
 * root that references it, in the bucket of its era, the oldest one that does.
 *
 * When a holder is dropped, the buckets whose era lies after the kept root before
 * it are free, and the others move on to that root; no block is looked at. Kept
 * roots are only ever added at the newest end, so an era written down once stays
 * right when roots between are dropped. (After OpenZFS's dsl_deadlist.)
 */
export class DeadLedger {
  /** Counts of what is listed. */
  readonly tally: DeadTally;
  readonly #file: KeyedFile;
  readonly #cache: BlockCache;

  constructor(file: KeyedFile, cache: BlockCache) {
    this.#file = file;
    this.#cache = cache;
    this.tally = new DeadTally({ file, cache });
  }

  /** Adds dead blocks to a holder's bucket. */
  async add(bucket: DeadBucket, vbns: readonly number[]): Promise<void> {
    const extents = extentsOf(vbns, extentBlocksMax);
    for (let start = 0; start < extents.length; start += recordExtentsMax) {
      await this.#append(bucket, encodeExtents(extents.slice(start, start + recordExtentsMax)));
    }
  }

  /**
   * Takes records from a holder that is being dropped, as long as `mayGoOn` with
   * the number taken so far: calls `free` with those that no root needs any more,
   * and hands the others to the kept root before it (0 when there is none). Tells
   * how many it took, and whether none is left.
   */
  async drop(
    holder: { chain: Chain; holderCp: number; previousCp: number },
    mayGoOn: (taken: number) => boolean,
    free: (extents: Extent[]) => void,
  ): Promise<{ taken: number; isEmpty: boolean }> {
    const { previousCp } = holder;
    let taken = 0;
    for (; mayGoOn(taken); taken++) {
      const record = await this.#cache.run(() => this.#first(holder));
      if (record === undefined) return { taken, isEmpty: true };
      const { key, bucket, value } = record;
      if (bucket.eraCp > previousCp) free(decodeExtents(value));
      else await this.#append({ ...bucket, holderCp: previousCp }, value);
      await this.#cache.run(() => {
        this.#file.delete(key);
      });
      this.tally.note(bucket, key, -blocksIn(value));
    }
    return { taken, isEmpty: (await this.#cache.run(() => this.#first(holder))) === undefined };
  }

  /**
   * Strikes out what a kept root references that is to be the live tree again: the
   * records whose holder is that root or a newer one, and whose era is that root
   * or an older one. Nothing becomes free.
   */
  async revive(chain: Chain, cp: number): Promise<void> {
    let from: DeadBucket = { chain, holderCp: cp, eraCp: 0 };
    for (;;) {
      const record = await this.#cache.run(() => this.#firstAt(from));
      if (record?.bucket.chain !== chain) return;
      const { key, bucket, value } = record;
      if (bucket.eraCp > cp) {
        from = { chain, holderCp: bucket.holderCp + 1, eraCp: 0 };
        continue;
      }
      await this.#cache.run(() => this.#file.delete(key));
      this.tally.note(bucket, key, -blocksIn(value));
    }
  }

  async #append(bucket: DeadBucket, value: Uint8Array): Promise<void> {
    assert(bucket.eraCp <= bucket.holderCp, 'a block is not born after the newest root that references it');
    const key = await this.#cache.run(() => {
      const last = this.#file.last(recordKey({ ...bucket, eraCp: bucket.eraCp + 1 }, 0));
      if (last === undefined || !isInBucket(last.key, bucket)) return this.#put(recordKey(bucket, 0), value);
      if (last.value.length + value.length > recordBytesMax) {
        return this.#put(recordKey(bucket, sequenceOfKey(last.key) + 1), value);
      }
      const joined = new Uint8Array(last.value.length + value.length);
      joined.set(last.value);
      joined.set(value, last.value.length);
      return this.#put(last.key.slice(), joined);
    });
    this.tally.note(bucket, key, blocksIn(value));
  }

  #put(key: Uint8Array, value: Uint8Array): Uint8Array {
    this.#file.set(key, value);
    return key;
  }

  #first(holder: { chain: Chain; holderCp: number }): DeadRecord | undefined {
    const found = this.#firstAt({ ...holder, eraCp: 0 });
    return found !== undefined && isOfHolder(found.key, holder) ? found : undefined;
  }

  /** The first record of a bucket or of those behind it. */
  #firstAt(bucket: DeadBucket): DeadRecord | undefined {
    const found = this.#file.first(recordKey(bucket, 0));
    if (found === undefined) return undefined;
    const key = found.key.slice();
    return { key, bucket: bucketOfKey(key), value: found.value.slice() };
  }
}

/** Visits every extent in a deadlist file, for the checker. */
export function scanDeadlists(
  file: KeyedFile,
  from: Uint8Array | undefined,
  visit: (at: DeadBucket & { key: Uint8Array }, extents: Extent[]) => unknown,
): void {
  file.scan(from, (key, value) => visit({ ...bucketOfKey(key), key: key.slice() }, decodeExtents(value)));
}
