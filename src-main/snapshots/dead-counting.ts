import type { BlockCache } from '../blocks/index.ts';
import type { KeyedFile } from '../tree/index.ts';
import { blocksIn, bucketOfKey, type Chain, isOfHolder, recordKey } from './dead-record.ts';

/** Records read in one operation. */
const pageRecords = 256;

export interface CountedRecord {
  readonly key: Uint8Array;
  readonly blocks: number;
}

/** The next records of a deadlist file, in key order: those at or after a key, or after it; none at the end. */
export function countedRecords(
  dead: { file: KeyedFile; cache: BlockCache },
  from: { key: Uint8Array | undefined; exclusive?: boolean },
): Promise<CountedRecord[]> {
  return dead.cache.run(() => {
    const page: CountedRecord[] = [];
    dead.file.scan(from.key, (key, value) => {
      const isPassed = from.exclusive === true && from.key !== undefined && Buffer.compare(key, from.key) === 0;
      if (!isPassed) page.push({ key: key.slice(), blocks: blocksIn(value) });
      return page.length < pageRecords;
    });
    return page;
  });
}

/** Which of a holder's blocks: those whose era lies above one CP, and not above another. */
export interface EraRange {
  readonly chain: Chain;
  readonly holderCp: number;
  readonly aboveCp: number;
  readonly upToCp: number;
}

/** Counts blocks of one holder, reading just their records. */
export async function countBlocks(
  dead: { file: KeyedFile; cache: BlockCache },
  range: EraRange,
  visit?: (eraCp: number, blocks: number) => void,
): Promise<number> {
  let blocks = 0;
  let from: { key: Uint8Array; exclusive?: boolean } = { key: recordKey({ ...range, eraCp: range.aboveCp + 1 }, 0) };
  for (;;) {
    const page = await countedRecords(dead, from);
    for (const { key, blocks: count } of page) {
      const { eraCp } = bucketOfKey(key);
      if (!isOfHolder(key, range) || eraCp > range.upToCp) return blocks;
      blocks += count;
      visit?.(eraCp, count);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageRecords) return blocks;
    from = { key: last.key, exclusive: true };
  }
}
