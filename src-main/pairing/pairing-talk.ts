import { type Clock, type ErrorCode, MirrorpointError } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { encodePairingMessage, type PairingMessage, PairingReader } from './pairing-message.ts';

/** What each refusal means to the one who was refused, and what to do. */
const refusals: Readonly<Partial<Record<ErrorCode, string>>> = {
  'invitation-invalid': 'does not know this invitation. Copy it again as a whole; after three wrong ones the server locks pairing.',
  'invitation-expired': 'no longer accepts this invitation: it was withdrawn, or its ten minutes are over. Make a new one there.',
  'invitation-used': 'has seen this invitation before, and each is good once. Make a new one there.',
  'pairing-locked': 'has locked pairing, since wrong invitations came. Wait ten minutes, or restart it, and make a new invitation.',
  'pairing-refused': 'refused: its administrator did not agree. Make a new invitation to try again.',
  'protocol-too-new': 'speaks another version of the protocol. Run the same version on both servers.',
};

/** The messages of one link between two servers that pair. Each side waits for its turn, with a limit. */
export class PairingTalk {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #reader = new PairingReader();

  constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  async say(message: PairingMessage): Promise<void> {
    await this.#link.send([encodePairingMessage(message)]);
  }

  /**
   * The next message, which must be of the type. Fails with the code of the
   * peer's refusal, 'link-timeout', 'link-closed' and the faults of reading.
   */
  async expect<T extends PairingMessage['type']>(type: T, timeoutMs: number): Promise<Extract<PairingMessage, { type: T }>> {
    const message = await this.#within(timeoutMs, this.#next());
    if (message.type === type) return message as Extract<PairingMessage, { type: T }>;
    if (message.type === 'refused') throw this.#refusal(message.code);
    throw new MirrorpointError('message-invalid', `${this.#link.remote} said '${message.type}' where '${type}' is due. Run the same version on both servers.`);
  }

  async #next(): Promise<PairingMessage> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== undefined) return message;
      const chunk = await this.#link.receive();
      if (chunk === undefined) {
        throw new MirrorpointError('link-closed', `${this.#link.remote} ended the link before the two had paired. Nothing was agreed.`);
      }
      this.#reader.push(chunk);
    }
  }

  #refusal(code: ErrorCode): MirrorpointError {
    const text = refusals[code] ?? 'refused. See its log.';
    return new MirrorpointError(code, `The server at ${this.#link.remote} ${text}`);
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#clock.setTimer(Math.max(0, timeoutMs), () => {
      late.reject(new MirrorpointError('link-timeout', `${this.#link.remote} did not answer in time while pairing. Nothing was agreed.`));
    });
    work.catch(() => undefined);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      cancel();
    }
  }
}
