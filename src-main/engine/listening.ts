import type { Clock } from '../base/index.ts';
import { firstHello } from '../replication/index.ts';
import type { Link, Listener } from '../transport/index.ts';
import type { HelloMessage } from '../wire/index.ts';
import type { Trust } from './trust.ts';

/** Links at a listener of which nobody has said yet who is at the other end. */
const strangersMax = 16;

/** A link that a peer has opened, and what the peer said first; undefined when that was no hello. */
export interface OpenedLink {
  readonly link: Link;
  readonly hello: HelloMessage | undefined;
}

/** Where the volumes here are reached. Listeners stay as they are when a volume's role changes. */
export class Listening {
  readonly #trust: Trust;
  readonly #clock: Clock;
  readonly #onLink: (volume: string, opened: OpenedLink) => Promise<void>;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(options: { trust: Trust; clock: Clock; onLink: (volume: string, opened: OpenedLink) => Promise<void> }) {
    this.#trust = options.trust;
    this.#clock = options.clock;
    this.#onLink = options.onLink;
  }

  /** Lets other servers connect to a volume at these addresses; resolves to the addresses that reach it. */
  async listen(volume: string, addresses: readonly string[]): Promise<string[]> {
    const listeners = this.#listeners.get(volume) ?? [];
    this.#listeners.set(volume, listeners);
    for (const address of addresses) {
      let strangers = 0;
      const hear = async (link: Link): Promise<void> => {
        if (strangers >= strangersMax) {
          await link.close();
          return;
        }
        strangers++;
        const opened = await firstHello(link, this.#clock).finally(() => strangers--);
        if (opened !== undefined) await this.#onLink(volume, opened);
      };
      listeners.push(await this.#trust.listen(address, (link) => void hear(link)));
    }
    return this.addressesOf(volume);
  }

  addressesOf(volume: string): string[] {
    return this.#listeners.get(volume)?.map((listener) => listener.address) ?? [];
  }

  async drop(volume: string): Promise<void> {
    const listeners = this.#listeners.get(volume) ?? [];
    this.#listeners.delete(volume);
    for (const listener of listeners) await listener.close();
  }

  async close(): Promise<void> {
    for (const volume of [...this.#listeners.keys()]) await this.drop(volume);
  }
}
