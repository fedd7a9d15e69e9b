/** A clock that was set back by less goes on as it is: time services do that. */
export const smallBackMs = 60_000;

/** So long a clock must stay behind what was measured before, until it is believed. */
export const believedAfterMs = 600_000;

/**
 * Decides whether the wall clock can label what is measured. One that is far
 * behind what was labelled before may only not have been set yet, as after the
 * start of a machine whose battery is empty: it is believed when it stays there,
 * so that it does not cost all that is known.
 */
export class WallCheck {
  #newestWallMs: number;
  #behindSinceMs: number | undefined;

  /** `newestWallMs` is the last label that is known. */
  constructor(newestWallMs: number) {
    this.#newestWallMs = newestWallMs;
  }

  isBelieved({ wallMs, monotonicMs }: { wallMs: number; monotonicMs: number }): boolean {
    if (wallMs < this.#newestWallMs - smallBackMs) {
      this.#behindSinceMs ??= monotonicMs;
      if (monotonicMs - this.#behindSinceMs < believedAfterMs) return false;
    }
    this.#newestWallMs = wallMs;
    this.#behindSinceMs = undefined;
    return true;
  }
}
