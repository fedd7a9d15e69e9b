import type { DavAnswer } from '../../src-main/serving/index.ts';
import { MemoryServer } from '../engine/memory-engine.ts';

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly user?: string;
}

async function* partsOf(body: string | Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(body);
}

export async function bodyOf({ body }: Pick<DavAnswer, 'body'>): Promise<Buffer> {
  if (body === undefined || body instanceof Uint8Array) return Buffer.from(body ?? []);
  const parts: Buffer[] = [];
  // A part is good until the next is asked for.
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** A server in memory that shares the volume `work` with ada, who may write, and guest, who may read. */
export class WebdavLab implements AsyncDisposable {
  readonly server: MemoryServer;
  /** Requests whose connection the server ended. */
  droppedCount = 0;

  private constructor(server: MemoryServer) {
    this.server = server;
  }

  static async open(server = new MemoryServer()): Promise<WebdavLab> {
    await server.start();
    await server.createVolume('work');
    const lab = new WebdavLab(server);
    await lab.share('work');
    return lab;
  }

  /** Whoever asks here is let in: the passwords are those of nobody. */
  async share(volume: string, server = this.server): Promise<void> {
    const password = { cost: 16_384, blockSize: 8, parallelization: 1, salt: 'A'.repeat(22), hash: 'A'.repeat(43) };
    await server.engine.book.change((now) => ({ ...now, users: ['ada', 'guest', 'bob'].map((name) => ({ name, password })) }));
    await server.client.shares.on({ volume, users: [{ name: 'ada', access: 'write' }, { name: 'bob', access: 'write' }, { name: 'guest', access: 'read' }] });
  }

  /** The answer as it comes, to be taken and closed. */
  begin(method: string, target: string, asked: Asked = {}, server = this.server): Promise<DavAnswer> {
    const { headers = {}, body = '', user = 'ada' } = asked;
    return server.halls.get('here')!.answer({
      method,
      target,
      headers: { host: 'files.example', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? partsOf(body) : body,
      user,
      drop: () => {
        this.droppedCount++;
      },
    });
  }

  async ask(method: string, target: string, asked: Asked = {}, server = this.server): Promise<Told> {
    const answer = await this.begin(method, target, asked, server);
    try {
      return { status: answer.status, headers: answer.headers, body: (await bodyOf(answer)).toString('utf8') };
    } finally {
      await answer.close();
    }
  }

  async status(method: string, target: string, asked: Asked = {}): Promise<number> {
    return (await this.ask(method, target, asked)).status;
  }

  /** The names in a folder, as a client is told them. */
  async names(folder: string, depth = '1'): Promise<string[]> {
    const { body } = await this.ask('PROPFIND', folder, { headers: { depth } });
    return [...body.matchAll(/<D:href>([^<]*)<\/D:href>/g)].map((found) => found[1]!);
  }

  /** All that is in the root of the volume, what is out of sight included, after a while without requests. */
  async lastingNames(): Promise<string[]> {
    await this.server.pass(10_000);
    return this.rootNames();
  }

  async rootNames(): Promise<string[]> {
    const { entries } = await this.server.client.files.list({ volume: 'work', path: '/' });
    return entries.map(({ name }) => name);
  }

  /** Locks a resource; resolves to the token. */
  async lock(target: string, options: { scope?: string; depth?: string; user?: string; timeout?: string } = {}): Promise<string> {
    const { scope = 'exclusive', depth = '0', user = 'ada', timeout = 'Second-600' } = options;
    const told = await this.ask('LOCK', target, { user, headers: { depth, timeout }, body: lockBody(scope) });
    return told.headers['lock-token'] ?? `none: ${told.status} ${told.body}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

export function lockBody(scope: string): string {
  return `<lockinfo xmlns="DAV:"><lockscope><${scope}/></lockscope><locktype><write/></locktype><owner>me &amp; you</owner></lockinfo>`;
}

export function propfind(...names: string[]): string {
  return `<D:propfind xmlns:D="DAV:"><D:prop>${names.join('')}</D:prop></D:propfind>`;
}
