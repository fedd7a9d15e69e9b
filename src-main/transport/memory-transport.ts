import { MirrorpointError } from '../base/index.ts';
import { parseAddress } from './address.ts';
import { linksPerListenerMax } from './limits.ts';
import { createMemoryPair } from './memory-link.ts';
import type { Link, Listener, Transport } from './transport.ts';

/** Puts something between a link and its user, for instance a simulator's delays and cuts. */
export type WrapLink = (link: Link, end: { address: string; side: 'connecting' | 'listening' }) => Link;

class MemoryListener implements Listener {
  readonly address: string;
  readonly onLink: (link: Link) => void;
  readonly #closed: () => void;
  links = 0;

  constructor(options: { address: string; onLink: (link: Link) => void; closed: () => void }) {
    this.address = options.address;
    this.onLink = options.onLink;
    this.#closed = options.closed;
  }

  close(): Promise<void> {
    this.#closed();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Links within one process, by name. Names belong to the transport object: two of them do not meet. */
export class MemoryTransport implements Transport {
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #wrap: WrapLink;

  constructor(options: { wrap?: WrapLink } = {}) {
    this.#wrap = options.wrap ?? ((link) => link);
  }

  async connect(address: string): Promise<Link> {
    const listener = this.#listeners.get(memoryName(address));
    if (listener === undefined) {
      throw new MirrorpointError('link-refused', `Nobody listens at ${address}. Start the server there and try again.`);
    }
    if (listener.links >= linksPerListenerMax) {
      throw new MirrorpointError(
        'link-refused',
        `The server at ${address} already has ${linksPerListenerMax} links, its most. Close one and try again.`,
      );
    }
    listener.links++;
    const ended = (): void => {
      listener.links--;
    };
    const [near, far] = createMemoryPair({ near: `${address}#connecting`, far: address, ended });
    // As over a socket, the listener hears of the link after this call has been made, not within it.
    await Promise.resolve();
    listener.onLink(this.#wrap(far, { address, side: 'listening' }));
    return this.#wrap(near, { address, side: 'connecting' });
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    const name = memoryName(address);
    if (this.#listeners.has(name)) {
      throw new MirrorpointError('address-in-use', `Another listener holds ${address}. Choose another name, or stop it first.`);
    }
    const listener = new MemoryListener({
      address,
      onLink,
      closed: () => {
        if (this.#listeners.get(name) === listener) this.#listeners.delete(name);
      },
    });
    this.#listeners.set(name, listener);
    return Promise.resolve(listener);
  }
}

function memoryName(address: string): string {
  const parsed = parseAddress(address);
  if (parsed.scheme === 'memory') return parsed.name;
  throw new MirrorpointError('address-invalid', `'${address}' is no memory address: use memory://NAME.`);
}
