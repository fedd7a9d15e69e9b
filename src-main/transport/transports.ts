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
    throw new MirrorpointError('address-invalid', `'${address}' cannot be used here: this server has no identity for ${scheme}://.`);
  }
}

/**
 * One transport for every address, choosing the carrier by its scheme.
 * `ipcFolder` holds the sockets of ipc addresses; `tls` has the server's identity.
 */
export function createTransports(options: { ipcFolder: string; tls?: Transport }): Transport {
  return new TransportByScheme({
    tcp: new TcpTransport(),
    ipc: new IpcTransport({ folder: options.ipcFolder }),
    memory: new MemoryTransport(),
    ...(options.tls !== undefined && { tls: options.tls }),
  });
}
