import { MirrorpointError } from '../base/index.ts';
import { type Address, parseAddress } from './address.ts';
import { IpcTransport } from './ipc-transport.ts';
import { MemoryTransport } from './memory-transport.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { ConnectOptions, Link, Listener, Transport } from './transport.ts';

type Scheme = Address['scheme'];

class TransportByScheme implements Transport {
  readonly #transports: Readonly<Partial<Record<Scheme, Transport>>>;

  constructor(transports: Readonly<Partial<Record<Scheme, Transport>>>) {
    this.#transports = transports;
  }

  async connect(address: string, options?: ConnectOptions): Promise<Link> {
    return this.#transportFor(address).connect(address, options);
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    return this.#transportFor(address).listen(address, onLink);
  }

  #transportFor(address: string): Transport {
    const { scheme } = parseAddress(address);
    const transport = this.#transports[scheme];
    if (transport !== undefined) return transport;
    throw new MirrorpointError('address-invalid', `'${address}' needs an identity on both sides. Use it between paired servers.`);
  }
}

/**
 * One transport for every address whose carrier needs no identity, choosing it
 * by the scheme. `ipcFolder` holds the sockets of ipc addresses.
 */
export function createTransports(options: { ipcFolder: string }): Transport {
  return new TransportByScheme({
    tcp: new TcpTransport(),
    ipc: new IpcTransport({ folder: options.ipcFolder }),
    memory: new MemoryTransport(),
  });
}
