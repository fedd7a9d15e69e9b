import type { Server, ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import { createHttpServer } from '../headless/http-server.ts';
import { bareAnswer } from './answer-headers.ts';
import { type ConsoleAddress, formatConsoleAddress } from './console-address.ts';

/** A key with the certificate that clients see, both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Answers to what Node does not hand over, by the code of its fault. */
const refusedRequests: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : '';
}

/** A server of HTTP, or with a certificate of HTTPS, that listens nowhere yet. */
export function newServer(certificate: Certificate | undefined, options: ServerOptions & { handshakeTimeout: number; minVersion: SecureVersion }): Server {
  const { handshakeTimeout, minVersion, ...plain } = options;
  const server = certificate === undefined ? createHttpServer(plain) : createHttpsServer({ ...plain, ...certificate, minVersion, handshakeTimeout });
  server.on('clientError', (fault, socket) => {
    if (socket.writable) socket.end(bareAnswer(refusedRequests[codeOf(fault)] ?? '400 Bad Request'));
  });
  return server;
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

/** Listens at the port that was asked for, or without one at a usual port or any that is free; resolves to that port. */
export async function listenAt(server: Server, address: ConsoleAddress, told: { what: string; usualPorts: readonly number[] }): Promise<number> {
  const { scheme, host, port } = address;
  const ports = port === undefined ? [...told.usualPorts, 0] : [port];
  for (const [index, tried] of ports.entries()) {
    try {
      await listen(server, host, tried);
      break;
    } catch (cause) {
      const isTaken = codeOf(cause) === 'EADDRINUSE';
      if (isTaken && index < ports.length - 1) continue;
      const text = `${told.what} cannot be served at ${formatConsoleAddress({ scheme, host, port: tried })}: ${reasonOf(cause)}. Name another address or port.`;
      throw new MirrorpointError(isTaken ? 'address-in-use' : 'address-invalid', text, { cause });
    }
  }
  return (server.address() as AddressInfo).port;
}
