import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';

const address = 'ipc://soak-mirror';
const user = 'ada';
const password = 'correct horse battery staple';
const identicalWaitMs = 120_000;

async function succeed(place: Place, ...words: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(place, ...words);
  if (exitCode !== 0) throw new Error(`mirrorpoint ${words.join(' ')} failed: ${stderr}`);
}

/** A primary whose volume `work` is mounted and shared, and the mirror of it, `copy`; either is killed and started again. */
export class SoakServers implements AsyncDisposable {
  readonly mountFolder: string | undefined;
  readonly #a: Place;
  readonly #b: Place;
  #primary: ServerProcess | undefined;
  #mirror: ServerProcess | undefined;
  #shareAddress = '';
  /** How often the primary was started: what broke off while it changed may have been broken by that. */
  starts = 0;

  private constructor(folder: string, mountFolder: string | undefined) {
    const env = { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') };
    this.#a = { configFolder: join(folder, 'a'), env };
    this.#b = { configFolder: join(folder, 'b'), env };
    this.mountFolder = mountFolder;
  }

  /** `mounts` says whether folders can be mounted here. */
  static async open(folder: string, options: { mounts: boolean; sizeBytes: number }): Promise<SoakServers> {
    const mountFolder = options.mounts ? join(folder, 'mount') : undefined;
    const servers = new SoakServers(folder, mountFolder);
    if (mountFolder !== undefined) mkdirSync(mountFolder);
    const image = (name: string): string => `${join(folder, name)}=${options.sizeBytes}`;
    await succeed(servers.#b, 'volume', 'create', 'copy', image('copy.img'), '--role', 'mirror', '--listen', address);
    await succeed(servers.#a, 'volume', 'create', 'work', image('work.img'), '--interval', '1s', '--durability', 'request');
    await succeed(servers.#a, 'link', 'work', address);
    await servers.startMirror();
    await servers.#startPrimary();
    await servers.client.users.add({ user, password });
    await servers.client.shares.on({ volume: 'work', users: [{ name: user, access: 'write' }] });
    await servers.#enter();
    return servers;
  }

  get credentials(): { user: string; password: string } {
    return { user, password };
  }

  get shareAddress(): string {
    return this.#shareAddress;
  }

  get client(): MirrorpointClient {
    if (this.#primary === undefined) throw new Error('the primary is not there');
    return this.#primary.client;
  }

  get mirrorClient(): MirrorpointClient {
    if (this.#mirror === undefined) throw new Error('the mirror is not there');
    return this.#mirror.client;
  }

  async killPrimary(): Promise<void> {
    const killed = this.#primary;
    this.#primary = undefined;
    await killed?.kill();
  }

  async killMirror(): Promise<void> {
    const killed = this.#mirror;
    this.#mirror = undefined;
    await killed?.kill();
  }

  async startPrimary(): Promise<void> {
    await this.#startPrimary();
    await this.#enter();
  }

  async startMirror(): Promise<void> {
    this.#mirror = await ServerProcess.start(this.#b);
  }

  /** Waits until the mirror is proven identical, of a volume that nobody changes. */
  async untilIdentical(): Promise<void> {
    await this.client.cp.now({ volume: 'work' });
    const deadlineMs = Date.now() + identicalWaitMs;
    for (;;) {
      const [status] = (await this.client.relationships.list({})).relationships;
      if (status?.identical === true && status.lagCps === 0) return;
      if (Date.now() > deadlineMs) throw new Error(`the mirror did not catch up: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.mountFolder !== undefined) await runCommand(this.#a, 'unmount', this.mountFolder, '--force');
    await this.#primary?.kill();
    await this.#mirror?.kill();
  }

  async #startPrimary(): Promise<void> {
    this.#primary = await ServerProcess.start(this.#a);
  }

  /** Mounts the volume again, and finds where it is shared now. */
  async #enter(): Promise<void> {
    if (this.mountFolder !== undefined) {
      if (this.starts > 0) await succeed(this.#a, 'unmount', this.mountFolder);
      await succeed(this.#a, 'mount', 'work', this.mountFolder);
    }
    const { shares } = await this.client.shares.list({});
    this.#shareAddress = shares[0]?.addresses[0] ?? '';
    this.starts++;
  }
}
