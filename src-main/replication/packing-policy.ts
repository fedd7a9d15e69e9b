/** Packed blocks may be at most this part of the plain ones, or packing is not worth its time. */
const ratioMax = 0.9;

/** Packing must be so many times as fast as the line, or the line is not what holds things up. */
const lineFactor = 2;

/** When packing is so many times as fast as what there is to send, it costs next to nothing. */
const loadFactor = 10;

/** What a new trial counts in the running means. */
const newTrialWeight = 0.5;

/** Messages between two trials while packing does not pay, at most. */
const trialGapMax = 16;

/** What packing some bytes has brought. */
export interface PackingTrial {
  readonly bytes: number;
  readonly packedBytes: number;
  readonly tookMs: number;
}

/** What went over the line in a stretch of time. */
export interface LineUse {
  readonly bytes: number;
  /** While something waited for the line to take it. */
  readonly busyMs: number;
  readonly elapsedMs: number;
  /** What the administrator allows; undefined for no limit. */
  readonly bytesPerSecondMax?: number | undefined;
}

/**
 * Decides, message by message, whether it pays to pack what is sent: when the
 * content becomes smaller, and packing it is either much faster than the line,
 * or next to nothing beside what there is to send at all. Both are measured and
 * change with time; while it does not pay, a trial is made ever more rarely, so
 * that content that cannot be packed costs no more than those.
 */
export class PackingPolicy {
  /** Of all trials, weighted; bytes per millisecond, and packed bytes per byte. */
  #speed = 0;
  #ratio = 1;
  #hasTried = false;
  /** Bytes per millisecond. Before anything is known the line is taken for a fast one. */
  #lineSpeed = Infinity;
  #load = Infinity;
  #gap = 1;
  #untilTrial = 0;

  /** What to do with the next message: send it as it is, try a part of it and send it as it is, or pack it. */
  choose(): 'plain' | 'try' | 'pack' {
    if (this.#pays) {
      this.#gap = 1;
      this.#untilTrial = 0;
      return 'pack';
    }
    if (this.#untilTrial > 0) {
      this.#untilTrial--;
      return 'plain';
    }
    this.#untilTrial = this.#gap;
    this.#gap = Math.min(trialGapMax, this.#gap * 2);
    return 'try';
  }

  noteTrial({ bytes, packedBytes, tookMs }: PackingTrial): void {
    const weight = this.#hasTried ? newTrialWeight : 1;
    this.#hasTried = true;
    this.#ratio += weight * (packedBytes / bytes - this.#ratio);
    this.#speed += weight * (bytes / Math.max(tookMs, 0.001) - this.#speed);
  }

  noteLine({ bytes, busyMs, elapsedMs, bytesPerSecondMax = Infinity }: LineUse): void {
    this.#lineSpeed = Math.min(bytesPerSecondMax / 1000, busyMs > 0 ? bytes / busyMs : Infinity);
    this.#load = bytes / elapsedMs;
  }

  get #pays(): boolean {
    if (!this.#hasTried || this.#ratio > ratioMax) return false;
    return this.#speed >= lineFactor * this.#lineSpeed || this.#speed >= loadFactor * this.#load;
  }
}
