import { randomFillSync } from 'node:crypto';

/** A source of random bytes, passed in so that a run can be replayed from a seed. */
export interface RandomSource {
  bytes(count: number): Uint8Array;
}

/** The machine's cryptographic random source. */
export const systemRandom: RandomSource = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
};

/** A reproducible source for simulation and tests: mulberry32, seeded by one number. Never for secrets. */
export class SeededRandom implements RandomSource {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    for (let index = 0; index < count; index++) out[index] = this.below(256);
    return out;
  }
}
