import { createHash } from 'node:crypto';
import type { Clock, RandomSource } from '../../base/index.ts';
import { launchesMax, launchLifeMs, launchMemoryMs, usedLaunchesMax } from './limits.ts';

/** 256 bits: nobody guesses one, however often he may try. */
const tokenBytes = 32;

/**
 * - `good`: it was, and is not any more
 * - `used`: somebody came in with it before, and has this session
 * - `unknown`: there was none such, or its time is over
 */
export type Redemption = { kind: 'good' } | { kind: 'used'; sessionId: string } | { kind: 'unknown' };

/** The secrets that the addresses of `mirrorpoint console` carry: each good once, and for a short while. Only their digests are kept. */
export class Launches {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  /** When each was made. */
  readonly #good = new Map<string, number>();
  readonly #used = new Map<string, { usedMs: number; sessionId: string }>();

  constructor(parts: { clock: Clock; random: RandomSource }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  make(): { token: string; expiresWallMs: number } {
    const token = Buffer.from(this.#random.bytes(tokenBytes)).toString('base64url');
    makeRoom(this.#good, launchesMax);
    this.#good.set(digestOf(token), this.#clock.monotonicMs());
    return { token, expiresWallMs: this.#clock.wallMs() + launchLifeMs };
  }

  /** Uses a token up; `openSession` is called when it is good, and returns what the session is called. */
  redeem(token: string, openSession: () => string): Redemption {
    const digest = digestOf(token);
    const nowMs = this.#clock.monotonicMs();
    const used = this.#used.get(digest);
    if (used !== undefined) return nowMs - used.usedMs <= launchMemoryMs ? { kind: 'used', sessionId: used.sessionId } : { kind: 'unknown' };
    const madeMs = this.#good.get(digest);
    this.#good.delete(digest);
    if (madeMs === undefined || nowMs - madeMs > launchLifeMs) return { kind: 'unknown' };
    const sessionId = openSession();
    makeRoom(this.#used, usedLaunchesMax);
    this.#used.set(digest, { usedMs: nowMs, sessionId });
    return { kind: 'good' };
  }

  /** None that was made is good any more. */
  clear(): void {
    this.#good.clear();
  }
}

/** The oldest goes. */
function makeRoom(map: Map<string, unknown>, countMax: number): void {
  for (const key of map.keys()) {
    if (map.size < countMax) return;
    map.delete(key);
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
