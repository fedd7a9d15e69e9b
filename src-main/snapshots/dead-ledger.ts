import { assert, getU16, getU48, getU48BigEndian, setU16, setU48, setU48BigEndian } from '../base/index.ts';
import type { BlockCache } from '../blocks/index.ts';
import { type Extent, extentsOf } from '../consistency/index.ts';
import type { KeyedFile } from '../tree/index.ts';

/**
 * Which kept roots can need a dead block: `files` blocks are needed by every
 * kept root of their time, `maps` blocks (the volume's own maps) by mirrors'
 * bases alone.
 */
export type Chain = 'files' | 'maps';

const chainByte: Record<Chain, number> = { files: 'f'.charCodeAt(0), maps: 'm'.charCodeAt(0) };
const keyBytes = 17;
const sequenceOffset = 13;
const extentBytes = 8;
const recordBytesMax = 112 * extentBytes;
const extentBlocksMax = 65535;

/** One record: some of the dead blocks that one holder keeps and that were born in one era. */
interface DeadRecord {
  key: Uint8Array;
  eraCp: number;
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
  readonly #file: KeyedFile;
  readonly #cache: BlockCache;

  constructor(file: KeyedFile, cache: BlockCache) {
    this.#file = file;
    this.#cache = cache;
  }

  /** Adds dead blocks to a holder's bucket. */
  async add(at: { chain: Chain; holderCp: number; eraCp: number }, vbns: readonly number[]): Promise<void> {
    const extents = extentsOf(vbns, extentBlocksMax);
    for (let start = 0; start < extents.length; start += recordBytesMax / extentBytes) {
      await this.#append(at, encodeExtents(extents.slice(start, start + recordBytesMax / extentBytes)));
    }
  }

  /**
   * Takes at most `recordsMax` records from a holder that is being dropped:
   * calls `free` with those that no root needs any more, and hands the others to
   * the kept root before it (0 when there is none). Tells how many it took, and
   * whether none is left.
   */
  async drop(
    holder: { chain: Chain; holderCp: number; previousCp: number },
    recordsMax: number,
    free: (extents: Extent[]) => void,
  ): Promise<{ taken: number; isEmpty: boolean }> {
    const { chain, holderCp, previousCp } = holder;
    for (let taken = 0; taken < recordsMax; taken++) {
      const record = await this.#cache.run(() => this.#first(chain, holderCp));
      if (record === undefined) return { taken, isEmpty: true };
      if (record.eraCp > previousCp) free(decodeExtents(record.value));
      else await this.#append({ chain, holderCp: previousCp, eraCp: record.eraCp }, record.value);
      await this.#cache.run(() => {
        this.#file.delete(record.key);
      });
    }
    return { taken: recordsMax, isEmpty: (await this.#cache.run(() => this.#first(chain, holderCp))) === undefined };
  }

  #append(at: { chain: Chain; holderCp: number; eraCp: number }, value: Uint8Array): Promise<void> {
    assert(at.eraCp <= at.holderCp, 'a block is not born after the newest root that references it');
    return this.#cache.run(() => {
      const last = this.#file.last(recordKey({ ...at, eraCp: at.eraCp + 1 }, 0));
      if (last === undefined || !sameBucket(last.key, at)) {
        this.#file.set(recordKey(at, 0), value);
        return;
      }
      if (last.value.length + value.length <= recordBytesMax) {
        const joined = new Uint8Array(last.value.length + value.length);
        joined.set(last.value);
        joined.set(value, last.value.length);
        this.#file.set(last.key.slice(), joined);
        return;
      }
      this.#file.set(recordKey(at, Buffer.from(last.key).readUInt32BE(sequenceOffset) + 1), value);
    });
  }

  #first(chain: Chain, holderCp: number): DeadRecord | undefined {
    const found = this.#file.first(recordKey({ chain, holderCp, eraCp: 0 }, 0));
    if (found === undefined || found.key[0] !== chainByte[chain] || getU48BigEndian(found.key, 1) !== holderCp) {
      return undefined;
    }
    return { key: found.key.slice(), eraCp: getU48BigEndian(found.key, 7), value: found.value.slice() };
  }
}

/** Visits every extent in a deadlist file, for the checker. */
export function scanDeadlists(
  file: KeyedFile,
  from: Uint8Array | undefined,
  visit: (at: { chain: Chain; holderCp: number; eraCp: number; key: Uint8Array }, extents: Extent[]) => unknown,
): void {
  file.scan(from, (key, value) =>
    visit(
      {
        chain: key[0] === chainByte.files ? 'files' : 'maps',
        holderCp: getU48BigEndian(key, 1),
        eraCp: getU48BigEndian(key, 7),
        key: key.slice(),
      },
      decodeExtents(value),
    ),
  );
}

function recordKey(at: { chain: Chain; holderCp: number; eraCp: number }, sequence: number): Uint8Array {
  const key = Buffer.alloc(keyBytes);
  key[0] = chainByte[at.chain];
  setU48BigEndian(key, 1, at.holderCp);
  setU48BigEndian(key, 7, at.eraCp);
  key.writeUInt32BE(sequence, sequenceOffset);
  return new Uint8Array(key.buffer, key.byteOffset, keyBytes);
}

function sameBucket(key: Uint8Array, at: { chain: Chain; holderCp: number; eraCp: number }): boolean {
  return (
    key[0] === chainByte[at.chain] && getU48BigEndian(key, 1) === at.holderCp && getU48BigEndian(key, 7) === at.eraCp
  );
}

function encodeExtents(extents: readonly Extent[]): Uint8Array {
  const bytes = new Uint8Array(extents.length * extentBytes);
  extents.forEach(({ vbn, count }, index) => {
    setU48(bytes, index * extentBytes, vbn);
    setU16(bytes, index * extentBytes + 6, count);
  });
  return bytes;
}

function decodeExtents(bytes: Uint8Array): Extent[] {
  return Array.from({ length: bytes.length / extentBytes }, (_, index) => ({
    vbn: getU48(bytes, index * extentBytes),
    count: getU16(bytes, index * extentBytes + 6),
  }));
}
