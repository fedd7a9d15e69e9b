import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { type Clock, MirrorpointError, type RandomSource, reasonOf } from '../../base/index.ts';
import type { ShareDoor, ShareHall } from '../../engine/index.ts';
import type { DavAnswer } from '../../serving/index.ts';
import { type ConsoleAddress, formatConsoleAddress } from '../web/console-address.ts';
import { type Certificate, listenAt, newServer } from '../web/web-server.ts';
import { basicCredentials, DoorKeeper, type Verdict } from './door-keeper.ts';
import * as limits from './limits.ts';

const serverOptions = {
  maxHeaderSize: limits.headerBytesMax,
  headersTimeout: limits.headersWaitMs,
  // An upload may take days, while it moves.
  requestTimeout: 0,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: limits.waitsCheckMs,
  handshakeTimeout: limits.handshakeWaitMs,
  // What Windows 10 speaks.
  minVersion: 'TLSv1.2',
} as const;

const refusals: Readonly<Record<Exclude<Verdict, 'right'>, { status: number; text: string; headers: Readonly<Record<string, string>> }>> = {
  wrong: { status: 401, text: 'The user or the password is wrong, or none was given.', headers: { 'www-authenticate': 'Basic realm="Mirrorpoint", charset="UTF-8"' } },
  locked: { status: 429, text: 'Too many wrong passwords came from this address. Wait ten minutes, and try again.', headers: { 'retry-after': '600' } },
  busy: { status: 503, text: 'Too many passwords are being checked. Try again in a moment.', headers: { 'retry-after': '1' } },
};

/** An address at which shares are served: HTTP and passwords; what is asked is answered in the hall. */
export class OpenShareDoor implements ShareDoor {
  readonly address: string;
  readonly #server: Server;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** Throws `address-in-use` and `address-invalid`. */
  static async open(at: { address: ConsoleAddress; certificate: Certificate | undefined }, hall: ShareHall, ports: { clock: Clock; random: RandomSource }): Promise<OpenShareDoor> {
    const { address, certificate } = at;
    const server = newServer(certificate, serverOptions);
    server.maxConnections = limits.connectionsMax;
    const keeper = new DoorKeeper({ hall, ...ports });
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      new Visit(request, response, hall).run(keeper).catch((fault: unknown) => {
        hall.tell(`A fault in the program: ${fault instanceof Error ? (fault.stack ?? fault.message) : reasonOf(fault)}`, 'problem');
        request.socket.destroy();
      });
    };
    server.on('request', answer);
    // The body is asked for when somebody wants it.
    server.on('checkContinue', answer);
    const port = await listenAt(server, address, { what: 'Shares', usualPorts: limits.usualPorts });
    return new OpenShareDoor(server, formatConsoleAddress({ ...address, port }));
  }

  /** Shows this certificate to whoever connects from now on. */
  renew(certificate: Certificate): void {
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext({ ...certificate, minVersion: serverOptions.minVersion });
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

/** Frees the memory of a part now. Left to itself it waits for some MiB of small objects, by when a fast upload has brought a hundred times as much. */
function letGo({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}

/** One request with its response. */
class Visit {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #hall: ShareHall;
  #hasBodyBegun = false;

  constructor(request: IncomingMessage, response: ServerResponse, hall: ShareHall) {
    this.#request = request;
    this.#response = response;
    this.#hall = hall;
    // The connection that breaks is seen where something is waited for.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
  }

  async run(keeper: DoorKeeper): Promise<void> {
    const { headers, socket, method = '', url = '' } = this.#request;
    const credentials = basicCredentials(headers.authorization);
    const verdict = credentials === undefined ? 'wrong' : await keeper.judge(credentials, socket.remoteAddress ?? '');
    if (credentials === undefined || verdict !== 'right') {
      const { status, text, headers: more } = refusals[verdict === 'right' ? 'wrong' : verdict];
      const body = Buffer.from(`${text}\n`);
      await this.#send({ status, headers: { ...more, 'content-type': 'text/plain; charset=utf-8', 'content-length': String(body.length) }, body, close: () => Promise.resolve() });
      return;
    }
    const answer = await this.#hall.answer({
      method,
      target: url,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])),
      body: this.#body(),
      user: credentials.user,
      drop: () => socket.destroy(),
    });
    try {
      await this.#send(answer);
    } finally {
      await answer.close();
    }
  }

  /** The parts of the body as they come. A client that goes away, or sends nothing for long, ends it with a fault. */
  async *#body(): AsyncGenerator<Uint8Array, void, void> {
    const request = this.#request;
    this.#hasBodyBegun = true;
    if (request.headers.expect !== undefined) this.#response.writeContinue();
    const parts = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = await this.#whileMoving(() => parts.next());
      } catch (cause) {
        throw gone(cause);
      }
      if (next.done === true) break;
      yield next.value;
      letGo(next.value);
    }
    if (!request.complete) throw gone(undefined);
  }

  async #send({ status, headers, body }: DavAnswer): Promise<void> {
    const response = this.#response;
    if (response.destroyed) return;
    const isLeft = !this.#hasBodyBegun && this.#request.headers.expect !== undefined;
    response.writeHead(status, { ...headers, 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-cache', ...(isLeft && { connection: 'close' }) });
    const isHead = this.#request.method === 'HEAD';
    if (body instanceof Uint8Array) await this.#write(isHead ? new Uint8Array() : body);
    else if (body !== undefined && !isHead && !(await this.#stream(body))) return;
    response.end();
    await this.#discardRest();
  }

  /** Resolves to whether all of it was sent; else the connection has ended, which tells the client. */
  async #stream(body: AsyncIterable<Uint8Array>): Promise<boolean> {
    try {
      for await (const part of body) if (!(await this.#write(part))) return false;
      return true;
    } catch (fault) {
      this.#request.socket.destroy();
      if (fault instanceof MirrorpointError) return false;
      throw fault;
    }
  }

  /** Resolves when the part may be used again; to false when there is nobody to send it to. */
  #write(part: Uint8Array): Promise<boolean> {
    const response = this.#response;
    return this.#whileMoving(
      () =>
        new Promise((resolve) => {
          if (response.destroyed) {
            resolve(false);
            return;
          }
          const ended = (): void => {
            resolve(false);
          };
          response.once('close', ended);
          response.write(part, (fault) => {
            response.off('close', ended);
            resolve(fault === undefined || fault === null);
          });
        }),
    );
  }

  /** Waits for the client, and no longer than it may be silent. */
  async #whileMoving<T>(wait: () => Promise<T>): Promise<T> {
    const { socket } = this.#request;
    const end = (): void => {
      socket.destroy();
    };
    socket.setTimeout(limits.idleMs, end);
    try {
      return await wait();
    } finally {
      socket.setTimeout(0, end);
      socket.off('timeout', end);
    }
  }

  /** A client that sends on is heard for a while, so that it comes to read the answer. */
  async #discardRest(): Promise<void> {
    const request = this.#request;
    if (request.complete || request.destroyed) return;
    if (request.headers.expect !== undefined && !this.#hasBodyBegun) return;
    let left = limits.unwantedBytesMax;
    try {
      const parts = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
      while (left > 0) {
        const next = await this.#whileMoving(() => parts.next());
        if (next.done === true) return;
        left -= next.value.length;
      }
    } catch {
      // It has gone.
    }
    request.socket.destroy();
  }
}

function gone(cause: unknown): MirrorpointError {
  return new MirrorpointError('link-closed', 'The client went away before all of its request had come, and nothing was stored. Send it again.', { cause });
}
