import { timingSafeEqual } from 'node:crypto';
import { type CancelTimer, type Clock, type ErrorCode, isFault, MirrorpointError, type RandomSource, reasonOf } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { encodeInvitation } from './invitation.ts';
import { askTimeoutMs, invitationLifeMs, pairingLockMs, secretBytes, wrongSecretsMax } from './limits.ts';
import { pairingVersion } from './pairing-message.ts';
import { PairingTalk } from './pairing-talk.ts';
import type { TrustedPeer, TrustedPeers } from './trusted-peers.ts';

/** The server that came with the invitation, as its administrator here is to see it. */
export interface PairingQuestion {
  readonly identity: string;
  readonly name: string;
  /** Where it calls from. */
  readonly remote: string;
}

/** Asks this server's administrator. Only true is a yes. */
export type Decide = (question: PairingQuestion) => Promise<boolean>;

export interface InvitationDeskOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly identity: string;
  readonly serverName: () => string;
  readonly peers: TrustedPeers;
  /** Something that the server's log should say. */
  readonly report: (text: string) => void;
}

/** An invitation that can still be taken. */
export interface OpenInvitation {
  /** The line to copy. */
  readonly text: string;
  readonly expiresWallMs: number;
  /** The server that was paired. Fails with 'invitation-expired', 'pairing-locked', 'pairing-refused', or the fault of the exchange. */
  readonly outcome: Promise<TrustedPeer>;
  /** Takes it back. Idempotent. */
  withdraw(): void;
}

interface Current {
  readonly secret: Uint8Array;
  readonly expiresMonotonicMs: number;
  readonly expiresWallMs: number;
  readonly decide: Decide;
  readonly settle: PromiseWithResolvers<TrustedPeer>;
  readonly cancelTimer: CancelTimer;
  wrongSecrets: number;
  isUsed: boolean;
}

/**
 * Where a mirror's server receives the ones that it invited.
 *
 * - Without an open invitation every caller is refused; there is one at a time.
 * - A secret is good once: from the moment it was shown, whatever follows.
 * - Three wrong secrets end the invitation and lock pairing.
 * - Nothing is stored before both administrators have said yes.
 */
export class InvitationDesk {
  readonly #options: InvitationDeskOptions;
  #current: Current | undefined;
  /** The last invitation that ended, so that its bearer learns why. */
  #last: { readonly secret: Uint8Array; readonly code: ErrorCode } | undefined;
  #lockedUntilMs = 0;

  constructor(options: InvitationDeskOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  /** Opens an invitation to the addresses. Fails with 'pairing-locked', or 'exists' while another is open. */
  open(options: { addresses: readonly string[]; decide: Decide }): OpenInvitation {
    const { clock, random, identity } = this.#options;
    const lockedMs = this.#lockedUntilMs - clock.monotonicMs();
    if (lockedMs > 0) throw locked(lockedMs);
    if (this.#current !== undefined) {
      throw new MirrorpointError('exists', 'Another invitation of this server is open. Use that one, or stop the command that made it.');
    }
    const secret = random.bytes(secretBytes);
    const settle = Promise.withResolvers<TrustedPeer>();
    // Whoever asks for the outcome hears of a fault; nobody has to.
    settle.promise.catch(() => undefined);
    const current: Current = {
      secret,
      expiresMonotonicMs: clock.monotonicMs() + invitationLifeMs,
      expiresWallMs: clock.wallMs() + invitationLifeMs,
      decide: options.decide,
      settle,
      cancelTimer: clock.setTimer(invitationLifeMs, () => {
        this.#end(current, expired());
      }),
      wrongSecrets: 0,
      isUsed: false,
    };
    this.#current = current;
    return {
      text: encodeInvitation({ identity, secret, addresses: options.addresses }),
      expiresWallMs: current.expiresWallMs,
      outcome: settle.promise,
      withdraw: () => {
        this.#end(current, new MirrorpointError('invitation-expired', 'The invitation was withdrawn. Make a new one to pair.'));
      },
    };
  }

  /** Hears a server that wants to pair, to the end. It closes the link, and never fails. */
  async receive(link: Link): Promise<void> {
    const talk = new PairingTalk(link, this.#options.clock);
    try {
      await this.#hear(link, talk);
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      this.#options.report(`Pairing with ${link.remote} came to nothing: ${reasonOf(fault)}`);
    } finally {
      await link.close();
    }
  }

  /** Ends what is open. */
  close(): void {
    if (this.#current !== undefined) this.#end(this.#current, new MirrorpointError('cancelled', 'The server stops, and its invitation with it.'));
  }

  async #hear(link: Link, talk: PairingTalk): Promise<void> {
    const ask = await talk.expect('ask', askTimeoutMs);
    if (ask.version !== pairingVersion) {
      await talk.say({ type: 'refused', code: 'protocol-too-new' });
      return;
    }
    const answer = this.#judge(ask.secret);
    if (typeof answer === 'string') {
      this.#options.report(`A server at ${link.remote} wanted to pair and was refused: ${answer}.`);
      await talk.say({ type: 'refused', code: answer });
      return;
    }
    try {
      await this.#agree(answer, { link, talk, name: ask.name });
    } catch (fault) {
      this.#end(answer, fault);
      const code = isFault(fault, 'invitation-expired') ? fault.code : 'pairing-refused';
      await talk.say({ type: 'refused', code }).catch(() => undefined);
      throw fault;
    }
  }

  /** The invitation that the secret opens, which is used up by that, or the code of the refusal. */
  #judge(secret: Uint8Array): Current | ErrorCode {
    const { clock } = this.#options;
    if (this.#lockedUntilMs > clock.monotonicMs()) return 'pairing-locked';
    const current = this.#current;
    if (current !== undefined && equalSecrets(current.secret, secret)) {
      if (current.isUsed) return 'invitation-used';
      if (clock.monotonicMs() >= current.expiresMonotonicMs || clock.wallMs() >= current.expiresWallMs) {
        this.#end(current, expired());
        return 'invitation-expired';
      }
      current.isUsed = true;
      return current;
    }
    if (this.#last !== undefined && equalSecrets(this.#last.secret, secret)) return this.#last.code;
    if (current === undefined) return 'invitation-expired';
    current.wrongSecrets++;
    if (current.wrongSecrets < wrongSecretsMax) return 'invitation-invalid';
    this.#lockedUntilMs = clock.monotonicMs() + pairingLockMs;
    this.#end(current, locked(pairingLockMs));
    return 'pairing-locked';
  }

  /** First the other side's administrator agrees, then this one's; then both store it, this side first. */
  async #agree(current: Current, caller: { link: Link; talk: PairingTalk; name: string }): Promise<void> {
    const { clock, serverName, peers } = this.#options;
    const { link, talk, name } = caller;
    const identity = link.peerIdentity;
    if (identity === undefined) throw new MirrorpointError('peer-unknown', `The link from ${link.remote} proves no identity. Pair over tls://.`);
    const leftMs = (): number => current.expiresMonotonicMs - clock.monotonicMs();
    await talk.say({ type: 'offer', name: serverName() });
    await talk.expect('confirm', leftMs());
    const isAgreed = await Promise.race([current.decide({ identity, name, remote: link.remote }), current.settle.promise]);
    if (isAgreed !== true || this.#current !== current) {
      throw new MirrorpointError('pairing-refused', `The server '${name}' was refused. Nothing was stored. Make a new invitation to try again.`);
    }
    const peer = await peers.add({ identity, name, role: 'primary', wallMs: clock.wallMs() });
    this.#end(current, peer);
    await talk.say({ type: 'accepted' });
  }

  /** Ends an invitation with the peer or a fault. Once it is over nothing changes. */
  #end(current: Current, outcome: unknown): void {
    if (this.#current !== current) return;
    this.#current = undefined;
    current.cancelTimer();
    this.#last = { secret: current.secret, code: current.isUsed ? 'invitation-used' : 'invitation-expired' };
    if (outcome instanceof Error) current.settle.reject(outcome);
    else current.settle.resolve(outcome as TrustedPeer);
  }
}

function equalSecrets(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function expired(): MirrorpointError {
  return new MirrorpointError('invitation-expired', 'The invitation was not taken within its ten minutes. Make a new one to pair.');
}

function locked(forMs: number): MirrorpointError {
  return new MirrorpointError(
    'pairing-locked',
    `Pairing is locked for ${Math.ceil(forMs / 60_000)} min, since ${wrongSecretsMax} wrong invitations were shown: ` +
      'someone may be guessing. Then make a new invitation, or restart the server to unlock it now.',
  );
}
