import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import { bareAnswer } from './answer-headers.ts';
import { type ConsoleAddress, formatConsoleAddress, usualPorts } from './console-address.ts';
import type { ConsoleSite, Place } from './console-site.ts';
import * as limits from './limits.ts';

/** A key with the certificate that browsers see, both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

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

/** Answers to what Node does not hand over, by the code of its fault. */
const refusedRequests: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function newServer(certificate: Certificate | undefined): Server {
  if (certificate === undefined) return createHttpServer(serverOptions);
  return createHttpsServer({ ...serverOptions, ...certificate, minVersion: 'TLSv1.3', handshakeTimeout: limits.handshakeWaitMs });
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : '';
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Listens at the port that was asked for, or without one at a usual port or any that is free. */
async function listenAt(server: Server, { scheme, host, port }: ConsoleAddress): Promise<void> {
  const ports = port === undefined ? [...usualPorts, 0] : [port];
  for (const [index, tried] of ports.entries()) {
    try {
      await listen(server, host, tried);
      return;
    } catch (cause) {
      const isTaken = codeOf(cause) === 'EADDRINUSE';
      if (isTaken && index < ports.length - 1) continue;
      const address = formatConsoleAddress({ scheme, host, port: tried });
      const text = `The console cannot be served at ${address}: ${reasonOf(cause)}. Name another address or port.`;
      throw new MirrorpointError(isTaken ? 'address-in-use' : 'address-invalid', text, { cause });
    }
  }
}

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
    const server = newServer(certificate);
    server.maxConnections = limits.connectionsMax;
    server.on('clientError', (fault, socket) => {
      if (socket.writable) socket.end(bareAnswer(refusedRequests[codeOf(fault)] ?? '400 Bad Request'));
    });
    await listenAt(server, address);
    const { port } = server.address() as AddressInfo;
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
