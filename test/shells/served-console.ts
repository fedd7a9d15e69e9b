import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { contentSecurityPolicy } from '../../src-main/shells/index.ts';
import { readConsoleFile } from '../../src-main/shells/console-files.ts';
import { controlEndpoint } from '../../src-main/shells/headless/config-folder.ts';
import { builtConsole } from '../browser/built-console.ts';
import type { Place } from './server-process.ts';

/** The console's page beside a server, with the server's own socket behind it. */
export interface ServedConsole extends AsyncDisposable {
  /** With a slash at its end. */
  readonly address: string;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = await readConsoleFile(new URL(request.url ?? '/', 'http://localhost').pathname, await builtConsole());
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': file.contentType, 'Content-Security-Policy': contentSecurityPolicy });
  response.end(file.bytes);
}

function carry(request: IncomingMessage, socket: Duplex, endpoint: string): void {
  const server = connect(endpoint, () => {
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    server.write(`GET / HTTP/1.1\r\n${headers.join('')}\r\n`);
    server.pipe(socket).pipe(server);
  });
  for (const [one, other] of [[server, socket], [socket, server]] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

/** Serves the console of the server that works on a folder. */
export async function serveConsole({ configFolder }: Place): Promise<ServedConsole> {
  const http: Server = createServer((request, response) => void answer(request, response));
  const sockets = new Set<Duplex>();
  http.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    carry(request, socket, controlEndpoint(configFolder));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        http.close(() => {
          resolve();
        });
        http.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
}
