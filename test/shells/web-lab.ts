import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientOptions, WebSocket } from 'ws';
import { type Clock, systemClock } from '../../src-main/base/index.ts';
import { Engine } from '../../src-main/engine/index.ts';
import { machinePorts } from '../../src-main/shells/headless/machine-ports.ts';
import { ConsoleDesk, passwordOf } from '../../src-main/shells/web/console-desk.ts';
import { WebConsole } from '../../src-main/shells/web/web-console.ts';

/** The machine's clock, which a test sets forward. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;
  readonly #waiting = new Set<() => void>();

  advance(byMs: number): void {
    this.#shiftMs += byMs;
  }

  wallMs(): number {
    return systemClock.wallMs() + this.#shiftMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#shiftMs;
  }

  turn(): Promise<void> {
    return systemClock.turn();
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const fire = (): void => {
      cancel();
      callback();
    };
    const stop = systemClock.setTimer(delayMs, fire);
    const cancel = (): void => {
      stop();
      this.#waiting.delete(fire);
    };
    this.#waiting.add(fire);
    return cancel;
  }

  /** Every timer that waits is due now. */
  fire(): void {
    for (const fire of [...this.#waiting]) fire();
  }
}

export interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The address asked; the one on this machine unless said. */
  readonly at?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks as anybody can: nothing is added to the request, and nothing of the answer is followed or judged. */
export function ask(origin: string, { path, method = 'GET', headers = {}, body }: Asked): Promise<Answered> {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const send = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send({ host, port, path, method, headers, agent: false, rejectUnauthorized: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString('utf8') });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Opens a WebSocket; resolves to it, or to the status of the refusal. */
export function openSocket(address: string, options: ClientOptions = {}): Promise<WebSocket | number> {
  const socket = new WebSocket(address.replace(/^http/, 'ws'), { rejectUnauthorized: false, ...options });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      socket.once('error', () => undefined);
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
    socket.once('error', reject);
  });
}

/** The secret that an answer gives the browser, as the browser sends it back. */
export function cookieOf({ headers }: Answered): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

/** A server of the console in this process, over a folder of its own. */
export class WebLab implements AsyncDisposable {
  readonly folder: string;
  readonly engine: Engine;
  readonly clock: ShiftedClock;
  /** All that the server said. */
  readonly said: string[];
  readonly #consoleFolder: string;
  #web: WebConsole;

  private constructor(parts: Pick<WebLab, 'folder' | 'engine' | 'web' | 'clock' | 'said'> & { consoleFolder: string }) {
    this.folder = parts.folder;
    this.engine = parts.engine;
    this.clock = parts.clock;
    this.said = parts.said;
    this.#consoleFolder = parts.consoleFolder;
    this.#web = parts.web;
  }

  static async open(options: { address?: string; consoleFolder?: string; heartbeatMs?: number } = {}): Promise<WebLab> {
    const { address = '127.0.0.1:0', heartbeatMs } = options;
    const folder = mkdtempSync(join(tmpdir(), 'mp-'));
    const clock = new ShiftedClock();
    const said: string[] = [];
    const report = ({ subject, text }: { subject: string; text: string }): void => {
      said.push(`${subject}: ${text}`);
    };
    const ports = { ...machinePorts({ configFolder: folder, requestStop: () => undefined, report }), clock };
    const engine = await Engine.open(ports, { serve: true });
    const consoleFolder = options.consoleFolder ?? smallConsole(folder);
    const web = await WebConsole.open({ engine, password: passwordOf(engine), consoleFolder, address, ...(heartbeatMs !== undefined && { heartbeatMs }) });
    return new WebLab({ folder, engine, web, clock, said, consoleFolder });
  }

  get web(): WebConsole {
    return this.#web;
  }

  get desk(): ConsoleDesk {
    return new ConsoleDesk(this.engine, this.#web);
  }

  /** The console ends, and comes again at the same place; `between` happens while it is away. */
  async restart(between: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { engine, host: address } = this;
    await this.#web.close();
    await between();
    this.#web = await WebConsole.open({ engine, password: passwordOf(engine), consoleFolder: this.#consoleFolder, address });
  }

  /** Where the console is served to this machine. */
  get origin(): string {
    return this.web.addresses[0] ?? '';
  }

  get host(): string {
    return new URL(this.origin).host;
  }

  ask(asked: Asked): Promise<Answered> {
    return ask(asked.at ?? this.origin, asked);
  }

  /** Comes in as a browser does; returns what it sends along from then on. */
  async enter(): Promise<{ cookie: string }> {
    return { cookie: cookieOf(await this.ask({ path: this.launchPath() })) };
  }

  /** The path and query of a new launch address. */
  launchPath(): string {
    return this.web.launch().address.slice(this.origin.length);
  }

  /** Opens the channel to the engine. */
  rpc(headers: Readonly<Record<string, string>>): Promise<WebSocket | number> {
    return openSocket(`${this.origin}/rpc`, { headers: { Origin: this.origin, ...headers } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#web.close();
    await this.engine.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Files that stand in a folder as a built console does. */
function smallConsole(folder: string): string {
  const console = join(folder, 'console');
  mkdirSync(join(console, 'assets'), { recursive: true });
  writeFileSync(join(console, 'index.html'), '<!doctype html><title>the console</title>');
  writeFileSync(join(console, 'assets', 'index-0a1b2c.js'), 'export {};');
  return console;
}
