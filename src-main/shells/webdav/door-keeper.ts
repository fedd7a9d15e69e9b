import { createHmac } from 'node:crypto';
import type { Clock, RandomSource } from '../../base/index.ts';
import type { ShareHall } from '../../engine/index.ts';
import { PasswordGuard } from '../web/password-guard.ts';
import { checksMax, rememberedMax } from './limits.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export type Verdict = 'right' | 'wrong' | 'locked' | 'busy';

/** What a client shows as `Authorization: Basic`; undefined for what is none. */
export function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,2048}={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * Lets users in. A client shows its password with each request, and checking one
 * is expensive on purpose: one that was right is known by a digest from then on,
 * until users change. Wrong ones lock the address that they come from.
 */
export class DoorKeeper {
  readonly #hall: ShareHall;
  readonly #guard: PasswordGuard;
  readonly #key: Uint8Array;
  /** Digests, that which was used last at the end. */
  readonly #remembered = new Set<string>();
  readonly #checks = new Map<string, Promise<Verdict>>();

  constructor(parts: { hall: ShareHall; clock: Clock; random: RandomSource }) {
    this.#hall = parts.hall;
    this.#guard = new PasswordGuard(parts.clock);
    this.#key = parts.random.bytes(32);
  }

  async judge(credentials: Credentials, remote: string): Promise<Verdict> {
    const digest = this.#digestOf(credentials);
    if (this.#remembered.delete(digest)) {
      this.#remembered.add(digest);
      return 'right';
    }
    // Clients begin with several requests at once: together they are one try.
    const known = this.#checks.get(`${remote} ${digest}`);
    if (known !== undefined) return known;
    if (this.#checks.size >= checksMax) return 'busy';
    if (!this.#guard.admits(remote)) return 'locked';
    const check = this.#check(credentials, remote, digest).finally(() => this.#checks.delete(`${remote} ${digest}`));
    this.#checks.set(`${remote} ${digest}`, check);
    return check;
  }

  async #check({ user, password }: Credentials, remote: string, digest: string): Promise<Verdict> {
    if (!(await this.#hall.isUser(user, password))) {
      if (this.#guard.isLocked(remote)) this.#hall.tell(`Wrong passwords for shares came from ${remote}, which is locked for ten minutes.`, 'warning');
      return 'wrong';
    }
    this.#guard.forgive(remote);
    for (const oldest of this.#remembered) {
      if (this.#remembered.size < rememberedMax) break;
      this.#remembered.delete(oldest);
    }
    this.#remembered.add(digest);
    return 'right';
  }

  #digestOf({ user, password }: Credentials): string {
    return createHmac('sha256', this.#key).update(`${this.#hall.usersVersion}\0${user}\0${password}`).digest('base64url');
  }
}
