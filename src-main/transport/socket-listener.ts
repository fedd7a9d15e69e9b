import type { Server } from 'node:net';
import type { Listener } from './transport.ts';

/** A listening socket server. Closing it takes no further links; those handed out live on. */
export class SocketListener implements Listener {
  readonly address: string;
  readonly #server: Server;

  constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
    // A failing accept concerns one stranger, not the listener.
    server.on('error', () => undefined);
  }

  close(): Promise<void> {
    // The callback of close waits for every link; the address is free as soon as this returns.
    if (this.#server.listening) this.#server.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
