import { checksumOf } from '../../src-main/base/index.ts';
import { SparseBytes } from '../../src-main/device/index.ts';

/** The unit of comparison: a block, which is what most writes are made of. */
export const unitBytes = 4096;

/** So many bits of a checksum as a number holds exactly. */
const sumBits = 53;

const scratch = new Uint8Array(unitBytes);

/**
 * Bytes that know the checksum of each unit. A fork asks its parent about the
 * units that it has not touched, so a checksum is computed once for all who
 * share the bytes. The parent must not change while a fork is in use.
 */
export class SummedBytes {
  readonly bytes: SparseBytes;
  readonly #parent: SummedBytes | undefined;
  readonly #touched = new Set<number>();
  readonly #sums = new Map<number, number>();
  #print: readonly [number, number] | undefined;

  constructor(bytes = new SparseBytes(), parent?: SummedBytes) {
    this.bytes = bytes;
    this.#parent = parent;
  }

  fork(): SummedBytes {
    return new SummedBytes(this.bytes.fork(), this);
  }

  /** Takes bytes that never change again. */
  borrow(offsetBytes: number, source: Uint8Array): void {
    this.bytes.borrow(offsetBytes, source);
    this.#touch(offsetBytes, source.length);
  }

  zero(offsetBytes: number, lengthBytes: number): void {
    this.bytes.zero(offsetBytes, lengthBytes);
    this.#touch(offsetBytes, lengthBytes);
  }

  /** The checksum of a unit. */
  sumOf(unit: number): number {
    if (this.#parent !== undefined && !this.#touched.has(unit)) return this.#parent.sumOf(unit);
    let sum = this.#sums.get(unit);
    if (sum === undefined) {
      this.bytes.read(unit * unitBytes, scratch);
      sum = Number(BigInt.asUintN(sumBits, checksumOf(scratch)));
      this.#sums.set(unit, sum);
    }
    return sum;
  }

  /** 64 bits that stand for what differs from the first ancestor: equal for equal bytes. */
  print(): readonly [number, number] {
    if (this.#parent === undefined) return [0, 0];
    if (this.#print !== undefined) return this.#print;
    let [left, right] = this.#parent.print();
    for (const unit of this.#touched) {
      const [before, after] = [this.#parent.sumOf(unit), this.sumOf(unit)];
      if (before === after) continue;
      left ^= mixed(unit, before, 0x9e3779b1) ^ mixed(unit, after, 0x9e3779b1);
      right ^= mixed(unit, before, 0x85ebca77) ^ mixed(unit, after, 0x85ebca77);
    }
    return (this.#print = [left, right]);
  }

  #touch(offsetBytes: number, lengthBytes: number): void {
    this.#print = undefined;
    const end = Math.ceil((offsetBytes + lengthBytes) / unitBytes);
    for (let unit = Math.floor(offsetBytes / unitBytes); unit < end; unit++) {
      this.#touched.add(unit);
      this.#sums.delete(unit);
    }
  }
}

/** 32 bits of a unit's place and checksum; the steps are those at the end of MurmurHash3. */
function mixed(unit: number, sum: number, seed: number): number {
  let bits = Math.imul(unit ^ seed, seed) ^ (sum | 0) ^ Math.imul(Math.floor(sum / 2 ** 32), seed);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
