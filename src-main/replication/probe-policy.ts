/** Blocks read to see whether the device has what is looked for. */
const sampleBlocks = 64;

/** Blocks read at once while the device keeps having them. */
const fullBlocks = 256;

const skipBlocksMin = 256;
const skipBlocksMax = 8192;

/** What to do with the next blocks of unknown whereabouts. */
export interface ProbeStep {
  /** `look`: read them from the device first. `ask`: get them from the primary at once. */
  readonly what: 'look' | 'ask';
  readonly count: number;
}

/**
 * Decides when looking on the mirror's own device is worth a read. After a cut
 * or a restart nearly everything is there; in a baseline nothing is. So it looks
 * at a few, goes on while it finds some, and otherwise asks for ever longer
 * stretches before it looks again.
 */
export class ProbePolicy {
  #skipLeft = 0;
  #skipNext = 0;

  /** The next step for at most `count` blocks. */
  next(count: number): ProbeStep {
    if (this.#skipLeft > 0) {
      const skipped = Math.min(count, this.#skipLeft);
      this.#skipLeft -= skipped;
      return { what: 'ask', count: skipped };
    }
    return { what: 'look', count: Math.min(count, this.#skipNext === 0 ? fullBlocks : sampleBlocks) };
  }

  /** How many of the blocks looked at were there. */
  found(hits: number): void {
    if (hits > 0) {
      this.#skipNext = 0;
      return;
    }
    this.#skipNext = Math.min(skipBlocksMax, Math.max(skipBlocksMin, this.#skipNext * 2));
    this.#skipLeft = this.#skipNext;
  }
}
