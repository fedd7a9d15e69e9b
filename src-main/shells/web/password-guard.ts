import { isIPv6 } from 'node:net';
import type { Clock } from '../../base/index.ts';
import { countedAddressesMax, passwordFailuresMax, passwordLockMs } from './limits.ts';

interface Tries {
  /** Wrong ones, and those that are not judged yet. */
  count: number;
  lastMs: number;
}

/** Locks an address from which wrong passwords come. Tries count from their beginning, so that many at once are no way around it. */
export class PasswordGuard {
  readonly #clock: Clock;
  readonly #tries = new Map<string, Tries>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the address may try a password now. */
  admits(remote: string): boolean {
    this.#forgetOld();
    const from = sourceOf(remote);
    const tries = this.#tries.get(from);
    if (tries === undefined && this.#tries.size >= countedAddressesMax) return false;
    if (tries !== undefined && tries.count >= passwordFailuresMax) return false;
    this.#tries.set(from, { count: (tries?.count ?? 0) + 1, lastMs: this.#clock.monotonicMs() });
    return true;
  }

  /** The try was right: whoever is there knows the password. */
  forgive(remote: string): void {
    this.#tries.delete(sourceOf(remote));
  }

  /** Whether the next try will be refused. */
  isLocked(remote: string): boolean {
    this.#forgetOld();
    return (this.#tries.get(sourceOf(remote))?.count ?? 0) >= passwordFailuresMax;
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [from, { lastMs }] of this.#tries) if (nowMs - lastMs > passwordLockMs) this.#tries.delete(from);
  }
}

/** Who has one address of IPv6 has the 2^64 beside it as well. */
function sourceOf(remote: string): string {
  const plain = remote.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('%')[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
