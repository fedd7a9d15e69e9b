/** How long a reading counts. */
const readingLifeMs = 60_000;

/** Readings that count at a time. */
const readingsMax = 64;

/**
 * How far another server's clock is ahead of this one's, from the times in its
 * messages. A message on its way makes the other clock seem late by as much, so
 * the least delayed message of the last minute tells the most.
 */
export class PeerClock {
  readonly #readings: { nowMs: number; aheadMs: number }[] = [];

  /** Notes a message that was sent at a time of the other clock, and came at these of the own. */
  note(sentWallMs: number, came: { wallMs: number; nowMs: number }): void {
    const { wallMs, nowMs } = came;
    this.#readings.push({ nowMs, aheadMs: sentWallMs - wallMs });
    while (this.#readings.length > readingsMax || nowMs - this.#readings[0]!.nowMs > readingLifeMs) this.#readings.shift();
  }

  /** Milliseconds; negative when the other clock is late. */
  get aheadMs(): number | undefined {
    return this.#readings.length === 0 ? undefined : Math.max(...this.#readings.map(({ aheadMs }) => aheadMs));
  }
}
