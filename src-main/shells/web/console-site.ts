import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer } from 'ws';
import { reasonOf } from '../../base/index.ts';
import { downloadPath } from '../../contract/index.ts';
import { type Engine, engineRouter, type EngineSession } from '../../engine/index.ts';
import { readConsoleFile } from '../console-files.ts';
import { messageBytesMax, serveRpcSocket } from '../headless/rpc-sockets.ts';
import { answerHeaders, bareAnswer, formHeaders, lastingHeaders } from './answer-headers.ts';
import type { ConsolePassword } from './console-password.ts';
import type { ConsoleSession, ConsoleSessions } from './console-sessions.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Launches } from './launches.ts';
import { openConsolesMax } from './limits.ts';
import * as pages from './notice-pages.ts';
import type { PasswordGuard } from './password-guard.ts';
import { passwordIn } from './password-form.ts';
import { refusalOf, type Site } from './site-rules.ts';

/** Answers a request for files, of somebody who has come in. */
export type DownloadHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: { engine: Engine; session: EngineSession },
) => Promise<void>;

/** An address of the console, with what sets it apart from the others. */
export interface Place extends Site {
  /** A session is good at the place where it began, and known by a cookie of this name. */
  readonly cookie: string;
  /** Whoever knows the password may come in here. */
  readonly takesPassword: boolean;
}

export interface ConsoleSiteParts {
  readonly engine: Engine;
  readonly consoleFolder: string;
  readonly sessions: ConsoleSessions;
  readonly launches: Launches;
  readonly password: ConsolePassword;
  readonly guard: PasswordGuard;
  readonly download: DownloadHandler;
  readonly heartbeatMs: number;
}

const rpcPath = '/rpc';
const html = 'text/html; charset=utf-8';
/** Of a launch address; nothing else in a query is looked at but by the download. */
const launchQuery = /^launch=([A-Za-z0-9_-]{1,128})$/;

/** A request, taken apart. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly place: Place;
  readonly path: string;
  readonly query: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly body?: string | Uint8Array;
}

/** What is said over HTTP at every address of the console, and who may come in. */
export class ConsoleSite implements AsyncDisposable {
  readonly #parts: ConsoleSiteParts;
  readonly #rpc = new RPCHandler(engineRouter);
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax, perMessageDeflate: false });
  readonly #heartbeat: Heartbeat;

  constructor(parts: ConsoleSiteParts) {
    this.#parts = parts;
    this.#heartbeat = new Heartbeat(this.#sockets.clients, parts.heartbeatMs);
  }

  /** Ends every open console. Idempotent. */
  async close(): Promise<void> {
    this.#heartbeat.stop();
    for (const socket of this.#sockets.clients) socket.close(1001, 'the server stops');
    this.#sockets.close();
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Answers one request at a place. */
  async answer(request: IncomingMessage, response: ServerResponse, place: Place): Promise<void> {
    for (const [name, value] of Object.entries(answerHeaders)) response.setHeader(name, value);
    try {
      const [path = '', query, ...rest] = request.url?.split('?') ?? [];
      const visit: Visit = { request, response, place, path, query: rest.length === 0 ? query : '' };
      const answer = await this.#answerTo(visit);
      if (answer !== undefined) send(visit, answer);
    } catch (thrown) {
      this.#parts.engine.events.add('console', `A request to the console failed: ${reasonOf(thrown)}`, { level: 'problem' });
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { Connection: 'close' }).end();
    }
  }

  /** Takes a WebSocket in, of somebody who has come in. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, place: Place): void {
    socket.on('error', () => socket.destroy());
    const session = this.#mayOpen(request, place);
    if (typeof session === 'string') {
      socket.end(bareAnswer(session));
      return;
    }
    const { engine } = this.#parts;
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      const release = session.hold();
      const leave = (): void => {
        opened.close(1008, 'the session has ended');
      };
      session.ended.addEventListener('abort', leave);
      opened.on('close', () => {
        session.ended.removeEventListener('abort', leave);
        release();
      });
      this.#heartbeat.watch(opened);
      serveRpcSocket(opened, {
        answer: (answered) => {
          const engineSession = engine.newSession();
          void this.#rpc.upgrade(answered, { context: { engine, session: engineSession } });
          return engineSession;
        },
        onGarbled: () => {
          engine.events.add('console', 'A window of the console sent a message that is none. Its connection was ended.', { level: 'warning' });
        },
      });
    });
  }

  /** The session that a WebSocket would belong to, or the status of its refusal. */
  #mayOpen(request: IncomingMessage, place: Place): ConsoleSession | string {
    if (refusalOf(place, request) !== undefined) return '403 Forbidden';
    if (request.url !== rpcPath) return '404 Not Found';
    if (this.#sockets.clients.size >= openConsolesMax) return '503 Service Unavailable';
    return this.#sessionOf(request, place) ?? '401 Unauthorized';
  }

  async #answerTo(visit: Visit): Promise<Answer | undefined> {
    const { request, path, place } = visit;
    const refusal = refusalOf(place, request, { isForPage: path === '/' });
    if (refusal !== undefined) return { status: 403, type: html, body: pages.refusedPage(refusal) };
    if (path === '/login' && place.takesPassword) return byPost(visit, () => this.#logIn(visit));
    if (path === '/logout') return byPost(visit, () => this.#logOut(visit));
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD');
    if (path === pages.noticeStylePath) return { status: 200, type: 'text/css; charset=utf-8', body: pages.noticeStyle };
    const launch = path === '/' && request.method === 'GET' ? launchQuery.exec(visit.query ?? '')?.[1] : undefined;
    if (launch !== undefined) return await this.#launch(visit, launch);
    const session = this.#sessionOf(request, place);
    if (session === undefined) return place.takesPassword ? passwordForm(401) : { status: 401, type: html, body: pages.entrancePage() };
    if (path === downloadPath) return this.#download(visit, session);
    return visit.query === undefined ? this.#file(path) : { status: 404, type: html, body: pages.plainPage('Not found') };
  }

  #sessionOf(request: IncomingMessage, place: Place): ConsoleSession | undefined {
    const secret = secretIn(request, place);
    return secret === undefined ? undefined : this.#parts.sessions.find(place.cookie, secret);
  }

  async #file(path: string): Promise<Answer> {
    const { consoleFolder } = this.#parts;
    const file = await readConsoleFile(path, consoleFolder);
    if (file !== undefined) {
      const headers = path.startsWith('/assets/') ? lastingHeaders : {};
      return { status: 200, headers, type: file.contentType, body: file.bytes };
    }
    if (path === '/') return { status: 503, type: html, body: pages.notBuiltPage(consoleFolder) };
    return { status: 404, type: html, body: pages.plainPage('Not found') };
  }

  /** Swaps the secret of a launch address for a session, and takes it out of the address. */
  async #launch({ place }: Visit, token: string): Promise<Answer> {
    const { engine, launches, sessions } = this.#parts;
    let secret = '';
    const redemption = launches.redeem(token, () => {
      const opened = sessions.open(place.cookie, 'launch');
      secret = opened.secret;
      return opened.id;
    });
    if (redemption.kind === 'good') return letIn(place, secret);
    if (redemption.kind === 'used') {
      // As of authorization codes in RFC 6749, section 4.1.2: of two who have it, one has stolen it.
      await sessions.end(redemption.sessionId);
      engine.events.add('console', 'A launch address was used a second time. The session that came of it was ended, lest somebody else has it.', { level: 'warning' });
    }
    return { status: 403, type: html, body: pages.launchOverPage(redemption.kind) };
  }

  async #logIn({ request, place }: Visit): Promise<Answer> {
    const { engine, guard, password, sessions } = this.#parts;
    const given = await passwordIn(request);
    if (given === undefined) return { status: 400, headers: { Connection: 'close' } };
    if (password.isBusy) return passwordForm(503, 'busy');
    const remote = request.socket.remoteAddress ?? '';
    if (!guard.admits(remote)) return passwordForm(429, 'locked');
    if (await password.matches(given)) {
      guard.forgive(remote);
      engine.events.add('console', `Somebody at ${remote} came in by the password.`);
      return letIn(place, sessions.open(place.cookie, 'password').secret);
    }
    if (!guard.isLocked(remote)) return passwordForm(403, 'wrong');
    engine.events.add('console', `Wrong passwords came from ${remote}, which is locked for ten minutes.`, { level: 'warning' });
    return passwordForm(429, 'locked');
  }

  async #logOut({ request, place }: Visit): Promise<Answer> {
    const secret = secretIn(request, place);
    if (secret !== undefined) await this.#parts.sessions.leave(place.cookie, secret);
    return { status: 303, headers: { Location: '/', 'Set-Cookie': `${place.cookie}=; Max-Age=0; ${cookieManners(place)}` } };
  }

  /** Hands the request over; it ends with the session of whoever asked. */
  async #download({ request, response }: Visit, session: ConsoleSession): Promise<undefined> {
    const { engine, download } = this.#parts;
    const release = session.hold();
    const leave = (): void => {
      response.destroy();
    };
    session.ended.addEventListener('abort', leave);
    const engineSession = engine.newSession();
    try {
      await download(request, response, { engine, session: engineSession });
    } finally {
      session.ended.removeEventListener('abort', leave);
      release();
      await engineSession.close();
    }
  }
}

/** The secret of a session, as the browser sends it along. */
function secretIn(request: IncomingMessage, place: Place): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const own = pairs.filter((pair) => pair.startsWith(`${place.cookie}=`));
  // A page at another port may have set a second one of the name; which is ours cannot be told.
  return own.length === 1 ? own[0]?.slice(place.cookie.length + 1) : undefined;
}

function cookieManners(place: Place): string {
  return `Path=/; HttpOnly; SameSite=Strict${place.scheme === 'https' ? '; Secure' : ''}`;
}

function letIn(place: Place, secret: string): Answer {
  return { status: 303, headers: { Location: '/', 'Set-Cookie': `${place.cookie}=${secret}; ${cookieManners(place)}` } };
}

function passwordForm(status: number, trouble?: pages.PasswordTrouble): Answer {
  return { status, headers: formHeaders, type: html, body: pages.passwordPage(trouble) };
}

function notAllowed(methods: string): Answer {
  return { status: 405, headers: { Allow: methods, Connection: 'close' }, type: html, body: pages.plainPage('Not allowed') };
}

async function byPost({ request }: Visit, answer: () => Promise<Answer>): Promise<Answer> {
  return request.method === 'POST' ? answer() : notAllowed('POST');
}

function send({ request, response }: Visit, { status, headers = {}, type, body = '' }: Answer): void {
  const lengthBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  response.writeHead(status, { ...headers, ...(type !== undefined && { 'Content-Type': type }), 'Content-Length': lengthBytes });
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}
