import { type Clock, type RandomSource, toHex } from '../../base/index.ts';
import { hrefOf } from './address.ts';
import { DavRefusal } from './refusal.ts';
import { locksMax, lockTimeoutSecondsMax } from './limits.ts';
import type { XmlElement } from './xml-element.ts';
import { escapeText } from './xml-writer.ts';

export interface LockRequest {
  /** Of the resource, from the share's root: `/`, or `/a/b`. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly scope: 'exclusive' | 'shared';
  readonly isDeep: boolean;
  /** What the client says of the owner, as it is to be shown. */
  readonly owner: XmlElement | undefined;
  readonly user: string;
  readonly timeoutSeconds: number;
}

/** A write lock on a resource, or with `isDeep` on all below it as well. */
export interface Lock extends LockRequest {
  readonly token: string;
  readonly endsMs: number;
}

/**
 * The write locks of one share, by paths. They are in memory alone, and end with
 * their time, with what they lock, and with the server; a client that renews
 * one is told that it is gone.
 */
export class ShareLocks {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #share: string;
  readonly #byToken = new Map<string, Lock>();
  readonly #byPath = new Map<string, Set<string>>();

  constructor(options: { share: string; clock: Clock; random: RandomSource }) {
    this.#share = options.share;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  get count(): number {
    return this.#byToken.size;
  }

  /** Those that hold for a resource: its own, and deep ones of the folders that it is in. */
  covering(path: string): Lock[] {
    const found = this.#at(path);
    for (let at = parentPath(path); at !== undefined; at = parentPath(at)) found.push(...this.#at(at).filter(({ isDeep }) => isDeep));
    return found;
  }

  /** Those of what lies below a resource. */
  below(path: string): Lock[] {
    if (this.#byToken.size === 0) return [];
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.#byToken.values()].filter((lock) => lock.path.startsWith(prefix) && lock.path !== path && this.#isAlive(lock));
  }

  secondsLeft({ endsMs }: Lock): number {
    return Math.max(0, Math.ceil((endsMs - this.#clock.monotonicMs()) / 1000));
  }

  /** Throws 423 when another lock is in the way, and 503 when there are too many. */
  add(request: LockRequest): Lock {
    const others = [...this.covering(request.path), ...(request.isDeep ? this.below(request.path) : [])];
    const obstacle = others.find(({ scope }) => scope === 'exclusive' || request.scope === 'exclusive');
    if (obstacle !== undefined) throw this.#locked(obstacle, 'no-conflicting-lock');
    if (this.#byToken.size >= locksMax) this.#forgetEnded();
    if (this.#byToken.size >= locksMax) throw new DavRefusal(503, `There are ${locksMax} locks in this share, the most there can be. Unlock what is not needed, or wait until they end.`);
    const lock = { ...request, token: `urn:uuid:${uuidOf(this.#random.bytes(16))}`, endsMs: this.#endOf(request.timeoutSeconds) };
    this.#byToken.set(lock.token, lock);
    const known = this.#byPath.get(lock.path) ?? new Set();
    this.#byPath.set(lock.path, known.add(lock.token));
    return lock;
  }

  renew(lock: Lock, timeoutSeconds: number): Lock {
    const renewed = { ...lock, timeoutSeconds, endsMs: this.#endOf(timeoutSeconds) };
    this.#byToken.set(lock.token, renewed);
    return renewed;
  }

  remove({ token, path }: Lock): void {
    this.#byToken.delete(token);
    const known = this.#byPath.get(path);
    known?.delete(token);
    if (known?.size === 0) this.#byPath.delete(path);
  }

  /** A resource has gone from its path with all below it. */
  forget(path: string): void {
    for (const lock of this.#at(path)) this.remove(lock);
    this.forgetBelow(path);
  }

  /** All below a resource has gone; its own locks stay, since something is there again. */
  forgetBelow(path: string): void {
    for (const lock of this.below(path)) this.remove(lock);
  }

  /** Throws 423 unless whoever asks holds a lock of the resource, or it has none. */
  check(path: string, by: { user: string; tokens: ReadonlySet<string> }): void {
    const locks = this.covering(path);
    const [first] = locks;
    // Of several locks of one resource, which then are shared ones, one is enough.
    if (first === undefined || locks.some(({ token, user }) => user === by.user && by.tokens.has(token))) return;
    throw this.#locked(first, 'lock-token-submitted');
  }

  /** The same of all below a resource. */
  checkBelow(path: string, by: { user: string; tokens: ReadonlySet<string> }): void {
    for (const { path: below } of this.below(path)) this.check(below, by);
  }

  #at(path: string): Lock[] {
    const tokens = this.#byPath.get(path);
    if (tokens === undefined) return [];
    return [...tokens].flatMap((token) => {
      const lock = this.#byToken.get(token);
      return lock !== undefined && this.#isAlive(lock) ? [lock] : [];
    });
  }

  #isAlive(lock: Lock): boolean {
    if (this.#clock.monotonicMs() < lock.endsMs) return true;
    this.remove(lock);
    return false;
  }

  #forgetEnded(): void {
    for (const lock of this.#byToken.values()) this.#isAlive(lock);
  }

  #locked({ path, user, isFolder }: Lock, condition: string): DavRefusal {
    const href = hrefOf(this.#share, path.split('/').filter((part) => part !== ''), isFolder);
    return new DavRefusal(423, `${path} is locked by ${user}. Wait until it is unlocked, or ask them to unlock it.`, {
      condition: `<D:${condition}><D:href>${escapeText(href)}</D:href></D:${condition}>`,
    });
  }

  #endOf(timeoutSeconds: number): number {
    return this.#clock.monotonicMs() + Math.min(timeoutSeconds, lockTimeoutSecondsMax) * 1000;
  }
}

function parentPath(path: string): string | undefined {
  if (path === '/') return undefined;
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function uuidOf(bytes: Uint8Array): string {
  const own = bytes.slice();
  own[6] = (own[6]! & 0x0f) | 0x40;
  own[8] = (own[8]! & 0x3f) | 0x80;
  return toHex(own).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
