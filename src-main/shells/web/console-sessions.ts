import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Clock, isFault, Mutex, type RandomSource } from '../../base/index.ts';
import type { TextStore } from '../../engine/index.ts';
import { jsonOf } from '../headless/stored-files.ts';
import { sessionIdleMs, sessionsMax, sessionUseNotedMs } from './limits.ts';

const secretBytes = 32;

const storedSchema = z.strictObject({
  version: z.literal(1),
  sessions: z
    .array(
      z.strictObject({
        /** The digest of place and secret. */
        id: z.string().regex(/^[0-9a-f]{64}$/),
        enteredBy: z.enum(['launch', 'password']),
        usedWallMs: z.number(),
      }),
    )
    .max(sessionsMax),
});

/** How somebody came in. */
export type EnteredBy = 'launch' | 'password';

/** A browser that has come in, at one address of the console. */
export class ConsoleSession {
  readonly enteredBy: EnteredBy;
  readonly #ending = new AbortController();
  readonly #clock: Clock;
  #usedMs: number;
  #openCount = 0;

  constructor(clock: Clock, enteredBy: EnteredBy, unusedMs = 0) {
    this.enteredBy = enteredBy;
    this.#clock = clock;
    this.#usedMs = clock.monotonicMs() - unusedMs;
  }

  /** Fires when the session ends; whatever hangs on it ends too. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get usedMs(): number {
    return this.#usedMs;
  }

  /** How long nobody has used it. */
  get unusedMs(): number {
    return this.#openCount > 0 ? 0 : this.#clock.monotonicMs() - this.#usedMs;
  }

  get isIdle(): boolean {
    return this.unusedMs > sessionIdleMs;
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

/**
 * Who has come in, known by the digest of the secret that the browser's cookie
 * carries. They outlast the server, so that its restart sends nobody away; what
 * is stored lets nobody in, since no digest leads back to its secret.
 */
export class ConsoleSessions {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #store: TextStore;
  readonly #report: (text: string) => void;
  readonly #sessions = new Map<string, ConsoleSession>();
  readonly #saving = new Mutex();
  #savedMs = 0;

  private constructor(parts: ConsoleSessionsParts) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#store = parts.store;
    this.#report = parts.report;
  }

  /** Those of before. Where they cannot be read, everybody has to come in anew. */
  static async open(parts: ConsoleSessionsParts): Promise<ConsoleSessions> {
    const sessions = new ConsoleSessions(parts);
    await sessions.#load();
    return sessions;
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
      this.#forget(oldest);
    }
    this.#sessions.set(id, new ConsoleSession(this.#clock, enteredBy));
    void this.save();
    return { secret, id };
  }

  /** The session that a cookie belongs to, which is used by that. */
  find(place: string, secret: string): ConsoleSession | undefined {
    const session = this.#sessions.get(idOf(place, secret));
    if (session?.isIdle === true) this.#forget(idOf(place, secret));
    if (session === undefined || session.ended.aborted) return undefined;
    session.use();
    if (this.#clock.monotonicMs() - this.#savedMs > sessionUseNotedMs) void this.save();
    return session;
  }

  /** Resolves when it is over for good. */
  async end(id: string): Promise<void> {
    this.#forget(id);
    await this.save();
  }

  /** Resolves to how many there were. */
  async endAll(enteredBy?: EnteredBy): Promise<number> {
    this.#endIdle();
    const ending = [...this.#sessions].filter(([, session]) => enteredBy === undefined || session.enteredBy === enteredBy);
    for (const [id] of ending) this.#forget(id);
    await this.save();
    return ending.length;
  }

  /** Ends the session of a cookie. */
  leave(place: string, secret: string): Promise<void> {
    return this.end(idOf(place, secret));
  }

  /** Resolves when what there is now is stored; where that fails it is reported, and holds until the server ends. */
  save(): Promise<void> {
    this.#savedMs = this.#clock.monotonicMs();
    return this.#saving.run(async () => {
      const wallMs = this.#clock.wallMs();
      const sessions = [...this.#sessions].map(([id, { enteredBy, unusedMs }]) => ({ id, enteredBy, usedWallMs: wallMs - unusedMs }));
      try {
        await this.#store.write(`${JSON.stringify({ version: 1, sessions } satisfies z.infer<typeof storedSchema>)}\n`);
      } catch (fault) {
        if (!isFault(fault)) throw fault;
        this.#report(`Who has come into the console could not be stored: ${fault.message}`);
      }
    });
  }

  async #load(): Promise<void> {
    const text = await this.#store.read();
    if (text === undefined) return;
    const stored = storedSchema.safeParse(jsonOf(text));
    if (!stored.success) {
      this.#report(`Who had come into the console cannot be read in ${this.#store.name}, so every browser has to come in anew.`);
      return;
    }
    const wallMs = this.#clock.wallMs();
    for (const { id, enteredBy, usedWallMs } of stored.data.sessions) {
      this.#sessions.set(id, new ConsoleSession(this.#clock, enteredBy, Math.max(0, wallMs - usedWallMs)));
    }
    this.#endIdle();
  }

  #endIdle(): void {
    for (const [id, session] of this.#sessions) if (session.isIdle) this.#forget(id);
  }

  #forget(id: string): void {
    this.#sessions.get(id)?.end();
    this.#sessions.delete(id);
  }
}

export interface ConsoleSessionsParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly store: TextStore;
  readonly report: (text: string) => void;
}

function idOf(place: string, secret: string): string {
  return createHash('sha256').update(`${place}\0${secret}`).digest('hex');
}
