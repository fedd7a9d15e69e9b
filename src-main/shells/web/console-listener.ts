import type { Server } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { type ConsoleAddress, formatConsoleAddress, usualPorts } from './console-address.ts';
import type { ConsoleSite, Place } from './console-site.ts';
import * as limits from './limits.ts';
import { type Certificate, listenAt, newServer } from './web-server.ts';

export interface ListeningOptions {
  readonly address: ConsoleAddress;
  /** Names by which it is reached, in small letters. */
  readonly names: readonly string[];
  /** For https. */
  readonly certificate: Certificate | undefined;
  readonly takesPassword: boolean;
}

const serverOptions = {
  maxHeaderSize: limits.headerBytesMax,
  headersTimeout: limits.headersWaitMs,
  requestTimeout: limits.requestWaitMs,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: limits.waitsCheckMs,
};

/** One address at which the console is served. */
export class ConsoleListener implements AsyncDisposable {
  readonly #server: Server;
  readonly place: Place;
  /** As a browser is given it. */
  readonly address: string;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, place: Place, address: string) {
    this.#server = server;
    this.place = place;
    this.address = address;
  }

  /** Throws `address-in-use` and `address-invalid`. */
  static async open(options: ListeningOptions, site: ConsoleSite): Promise<ConsoleListener> {
    const { address, names, certificate, takesPassword } = options;
    const { scheme, host } = address;
    const server = newServer(certificate, { ...serverOptions, handshakeTimeout: limits.handshakeWaitMs, minVersion: 'TLSv1.3' });
    server.maxConnections = limits.connectionsMax;
    const port = await listenAt(server, address, { what: 'The console', usualPorts });
    const cookie = `${scheme === 'https' ? '__Host-' : ''}mirrorpoint-${port}`;
    const place: Place = { scheme, port, names: new Set(names), cookie, takesPassword };
    server.on('request', (request, response) => void site.answer(request, response, place));
    server.on('upgrade', (request, socket, head: Buffer) => {
      site.upgrade(request, socket, head, place);
    });
    return new ConsoleListener(server, place, formatConsoleAddress({ scheme, host, port }));
  }

  /** Shows this certificate to whoever connects from now on. */
  renew(certificate: Certificate): void {
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext({ ...certificate, minVersion: 'TLSv1.3' });
  }

  /** Ends every connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
