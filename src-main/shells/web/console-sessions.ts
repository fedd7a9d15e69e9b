import { createHash } from 'node:crypto';
import type { Clock, RandomSource } from '../../base/index.ts';
import { sessionIdleMs, sessionsMax } from './limits.ts';

const secretBytes = 32;

/** How somebody came in. */
export type EnteredBy = 'launch' | 'password';

/** A browser that has come in, at one address of the console. It ends with the server at the latest. */
export class ConsoleSession {
  readonly enteredBy: EnteredBy;
  readonly #ending = new AbortController();
  readonly #clock: Clock;
  #usedMs: number;
  #openCount = 0;

  constructor(clock: Clock, enteredBy: EnteredBy) {
    this.enteredBy = enteredBy;
    this.#clock = clock;
    this.#usedMs = clock.monotonicMs();
  }

  /** Fires when the session ends; whatever hangs on it ends too. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get usedMs(): number {
    return this.#usedMs;
  }

  get isIdle(): boolean {
    return this.#openCount === 0 && this.#clock.monotonicMs() - this.#usedMs > sessionIdleMs;
  }

  use(): void {
    this.#usedMs = this.#clock.monotonicMs();
  }

  /** Something of the session is open, so that it is in use until the result is called. */
  hold(): () => void {
    this.#openCount++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#openCount--;
      this.use();
    };
  }

  end(): void {
    this.#ending.abort();
  }
}

/** Who has come in, known by the digest of the secret that the browser's cookie carries. */
export class ConsoleSessions {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #sessions = new Map<string, ConsoleSession>();

  constructor(parts: { clock: Clock; random: RandomSource }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  get count(): number {
    this.#endIdle();
    return this.#sessions.size;
  }

  /** `place` is the address at which the secret is good. */
  open(place: string, enteredBy: EnteredBy): { secret: string; id: string } {
    const secret = Buffer.from(this.#random.bytes(secretBytes)).toString('base64url');
    const id = idOf(place, secret);
    this.#endIdle();
    if (this.#sessions.size >= sessionsMax) {
      const [oldest] = [...this.#sessions].sort(([, one], [, other]) => one.usedMs - other.usedMs)[0]!;
      this.end(oldest);
    }
    this.#sessions.set(id, new ConsoleSession(this.#clock, enteredBy));
    return { secret, id };
  }

  /** The session that a cookie belongs to, which is used by that. */
  find(place: string, secret: string): ConsoleSession | undefined {
    const session = this.#sessions.get(idOf(place, secret));
    if (session?.isIdle === true) this.end(idOf(place, secret));
    if (session === undefined || session.ended.aborted) return undefined;
    session.use();
    return session;
  }

  end(id: string): void {
    this.#sessions.get(id)?.end();
    this.#sessions.delete(id);
  }

  /** Resolves to how many there were. */
  endAll(enteredBy?: EnteredBy): number {
    this.#endIdle();
    const ending = [...this.#sessions].filter(([, session]) => enteredBy === undefined || session.enteredBy === enteredBy);
    for (const [id] of ending) this.end(id);
    return ending.length;
  }

  /** Ends the session of a cookie. */
  leave(place: string, secret: string): void {
    this.end(idOf(place, secret));
  }

  #endIdle(): void {
    for (const [id, session] of this.#sessions) if (session.isIdle) this.end(id);
  }
}

function idOf(place: string, secret: string): string {
  return createHash('sha256').update(`${place}\0${secret}`).digest('hex');
}
