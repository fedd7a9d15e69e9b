import { parseAddress } from './address.ts';
import { IpcTransport } from './ipc-transport.ts';
import { MemoryTransport } from './memory-transport.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { ConnectOptions, Link, Listener, Transport } from './transport.ts';

class TransportByScheme implements Transport {
  readonly #transports: Readonly<Record<'tcp' | 'ipc' | 'memory', Transport>>;

  constructor(transports: Readonly<Record<'tcp' | 'ipc' | 'memory', Transport>>) {
    this.#transports = transports;
  }

  async connect(address: string, options?: ConnectOptions): Promise<Link> {
    return this.#transports[parseAddress(address).scheme].connect(address, options);
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    return this.#transports[parseAddress(address).scheme].listen(address, onLink);
  }
}

/** One transport for every address, choosing the carrier by its scheme. `ipcFolder` holds the sockets of ipc addresses. */
export function createTransports(options: { ipcFolder: string }): Transport {
  return new TransportByScheme({
    tcp: new TcpTransport(),
    ipc: new IpcTransport({ folder: options.ipcFolder }),
    memory: new MemoryTransport(),
  });
}
