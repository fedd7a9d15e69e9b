import { chmodSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import { createHttpServer } from './http-server.ts';
import { messageBytesMax, type RpcSocketOptions, serveRpcSocket } from './rpc-sockets.ts';

const connectionsMax = 64;

export interface ControlServerOptions extends RpcSocketOptions {
  /** The path of the socket, or the name of the pipe. The caller holds the folder's lock, so a socket there is stale. */
  readonly endpoint: string;
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
    const { endpoint } = options;
    const isPipe = endpoint.startsWith('\\\\');
    if (!isPipe) rmSync(endpoint, { force: true });
    const http = createHttpServer((_request, response) => {
      response.writeHead(426).end();
    });
    http.maxConnections = connectionsMax;
    const sockets = new WebSocketServer({ server: http, maxPayload: messageBytesMax, perMessageDeflate: false });
    sockets.on('connection', (socket) => {
      serveRpcSocket(socket, options);
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
