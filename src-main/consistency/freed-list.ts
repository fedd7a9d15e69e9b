/** Blocks that lost their last reference in the live trees, with their births. Grows in typed arrays. */
export class FreedList {
  #vbns = new Float64Array(64);
  #births = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(vbn: number, birthCp: number): void {
    if (this.#count === this.#vbns.length) {
      this.#vbns = doubled(this.#vbns);
      this.#births = doubled(this.#births);
    }
    this.#vbns[this.#count] = vbn;
    this.#births[this.#count] = birthCp;
    this.#count++;
  }

  vbn(position: number): number {
    return this.#vbns[position]!;
  }

  birthCp(position: number): number {
    return this.#births[position]!;
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A run of blocks. */
export interface Extent {
  vbn: number;
  count: number;
}

/** Sorts VBNs and joins neighbours into runs of at most `countMax`. */
export function extentsOf(vbns: Iterable<number>, countMax = Infinity): Extent[] {
  const sorted = Float64Array.from(vbns).sort();
  const extents: Extent[] = [];
  for (const vbn of sorted) {
    const last = extents.at(-1);
    if (last !== undefined && vbn === last.vbn + last.count && last.count < countMax) last.count++;
    else extents.push({ vbn, count: 1 });
  }
  return extents;
}
