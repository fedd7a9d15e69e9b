import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { RPCHandler } from '@orpc/server/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import type { engineRouter, ProcedureContext } from '../../engine/index.ts';

/** Larger than any question. */
const messageBytesMax = 4 * 1024 * 1024;

const connectionsMax = 64;

export interface ControlServerOptions {
  /** The path of the socket, or the name of the pipe. The caller holds the folder's lock, so a socket there is stale. */
  endpoint: string;
  router: typeof engineRouter;
  /** What the procedures get for one connection, until it closes. */
  newContext: () => { context: ProcedureContext; close: () => Promise<void> };
}

/** What the RPC handler needs of a socket; its `send` resolves when the system has taken the bytes. */
function patientSocket(socket: WebSocket): Pick<WebSocket, 'addEventListener' | 'send'> {
  const send = (data: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(data, (fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  return { addEventListener: socket.addEventListener.bind(socket), send: send as WebSocket['send'] };
}

/** Where commands reach the server: a socket that only its user may open. */
export class ControlServer implements AsyncDisposable {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #endpoint: string;
  #closing: Promise<void> | undefined;

  private constructor(http: Server, sockets: WebSocketServer, endpoint: string) {
    this.#http = http;
    this.#sockets = sockets;
    this.#endpoint = endpoint;
  }

  static async open(options: ControlServerOptions): Promise<ControlServer> {
    const { endpoint, router, newContext } = options;
    const isPipe = endpoint.startsWith('\\\\');
    if (!isPipe) rmSync(endpoint, { force: true });
    const http = createServer((_request, response) => {
      response.writeHead(426).end();
    });
    http.maxConnections = connectionsMax;
    const sockets = new WebSocketServer({ server: http, maxPayload: messageBytesMax, perMessageDeflate: false });
    const handler = new RPCHandler(router);
    sockets.on('connection', (socket) => {
      const { context, close } = newContext();
      socket.on('error', () => {
        socket.terminate();
      });
      socket.on('close', () => {
        void close();
      });
      void handler.upgrade(patientSocket(socket), { context });
    });
    await listen(http, endpoint);
    if (!isPipe) chmodSync(endpoint, 0o600);
    return new ControlServer(http, sockets, endpoint);
  }

  /** Ends every connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      for (const socket of this.#sockets.clients) socket.close(1001, 'the server stops');
      this.#sockets.close();
      this.#http.close(() => {
        resolve();
      });
      for (const socket of this.#sockets.clients) socket.terminate();
    });
    return this.#closing;
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function listen(http: Server, endpoint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause) => {
      const text = `Commands cannot reach the server at ${endpoint}: ${reasonOf(cause)}. Check the folder's owner, or name another by --config.`;
      reject(new MirrorpointError('not-permitted', text, { cause }));
    });
    http.listen(endpoint, resolve);
  });
}
