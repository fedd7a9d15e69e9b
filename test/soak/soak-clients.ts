import { writeFileSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import type { Step } from './own-files.ts';

/** How long a client waits for an answer before it takes the server for gone. */
const answerWaitMs = 60_000;

/** A way to change a volume; an operation that resolves is durable. */
export interface SoakClient {
  readonly folder: string;
  makeFolder(): Promise<void>;
  take(step: Step): Promise<void>;
}

async function flushFolder(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** A program that works in a mounted folder, and puts each file in its place as careful programs do. */
export class MountClient implements SoakClient {
  readonly folder = 'mounted';
  readonly #root: string;

  constructor(root: string) {
    this.#root = join(root, this.folder);
  }

  async makeFolder(): Promise<void> {
    await mkdir(this.#root, { recursive: true });
  }

  async take({ kind, name, to, bytes }: Step): Promise<void> {
    const path = join(this.#root, name);
    if (kind === 'remove') await unlink(path);
    else if (kind === 'rename') await rename(path, join(this.#root, to));
    else {
      const beside = join(this.#root, `.${name}.new`);
      const handle = await open(beside, 'w');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, path);
    }
    await flushFolder(this.#root);
  }
}

/** A network drive. */
export class DriveClient implements SoakClient {
  readonly folder = 'drive';
  readonly #address: () => string;
  readonly #authorization: string;

  constructor(options: { address: () => string; user: string; password: string }) {
    this.#address = options.address;
    this.#authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  }

  async makeFolder(): Promise<void> {
    await this.#ask('MKCOL', '', {});
  }

  async take({ kind, name, to, bytes }: Step): Promise<void> {
    if (kind === 'remove') await this.#ask('DELETE', name, {});
    else if (kind === 'rename') await this.#ask('MOVE', name, { headers: { Destination: this.#urlOf(to), Overwrite: 'T' } });
    else await this.#ask('PUT', name, { body: new Uint8Array(bytes) });
  }

  #urlOf(name: string): string {
    return `${this.#address().replace(/\/$/, '')}/${this.folder}/${name}`;
  }

  async #ask(method: string, name: string, what: { headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> }): Promise<void> {
    const headers = { ...what.headers, Authorization: this.#authorization };
    const answer = await fetch(this.#urlOf(name), { ...what, method, headers, signal: AbortSignal.timeout(answerWaitMs) });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${method} ${name} was answered with ${answer.status}`);
  }
}

/** Commands of an administrator. */
export class CommandsClient implements SoakClient {
  readonly folder = 'commands';
  readonly #client: () => MirrorpointClient;
  readonly #localFile: string;

  constructor(options: { client: () => MirrorpointClient; localFolder: string }) {
    this.#client = options.client;
    this.#localFile = join(options.localFolder, 'to-put');
  }

  async makeFolder(): Promise<void> {
    await this.#client().files.makeDirectory({ volume: 'work', path: `/${this.folder}`, parents: true });
  }

  async take({ kind, name, to, bytes }: Step): Promise<void> {
    const { files } = this.#client();
    const path = `/${this.folder}/${name}`;
    if (kind === 'rename') await files.move({ volume: 'work', from: path, to: `/${this.folder}/${to}`, replace: true });
    else if (kind === 'remove') await toTheEnd(files.remove({ volume: 'work', path }));
    else {
      writeFileSync(this.#localFile, bytes);
      await toTheEnd(files.put({ volume: 'work', path, local: this.#localFile }));
    }
  }
}

async function toTheEnd(events: Promise<AsyncIterable<{ type: string; message?: string }>>): Promise<void> {
  let last = '';
  for await (const event of await events) {
    if (event.type === 'problem') throw new Error(event.message);
    last = event.type;
  }
  if (last !== 'done') throw new Error('a job ended without a result');
}
