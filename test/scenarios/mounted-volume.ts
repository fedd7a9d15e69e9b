import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, isRoot } from '../bench/command.ts';
import { type Place, ServerProcess } from '../shells/server-process.ts';

/** Why nothing can be mounted here; undefined where it can. */
export const mountObstacle = !isRoot
  ? 'only root mounts'
  : !existsSync('/dev/fuse')
    ? 'there is no /dev/fuse'
    : isInstalled('mount')
      ? undefined
      : 'mount of util-linux is not installed';

/** Says aloud what is not tested here. */
export function tellSkipped(subject: string, obstacle: string | undefined): void {
  if (obstacle !== undefined) process.stderr.write(`SKIPPED: ${subject} is NOT tested here: ${obstacle}.\n`);
}

/** Whether something of Mirrorpoint is mounted at a folder, by the table of mounts. */
export function isMounted(folder: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder} `);
}

/** Runs a program to its end; what it prints, or a fault with all that it said. */
export function runIn(folder: string, program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A server with a volume `work` that is mounted, and all that goes with it. */
export class MountedVolume implements AsyncDisposable {
  /** Where it makes its files. */
  readonly folder: string;
  readonly place: Place;
  /** Where the volume is mounted. */
  readonly at: string;
  server: ServerProcess;
  readonly #folders: string[] = [];

  private constructor(parts: { folder: string; place: Place; server: ServerProcess }) {
    this.folder = parts.folder;
    this.place = parts.place;
    this.server = parts.server;
    this.at = this.makeFolder('mounted');
  }

  static async open(options: { sizeBytes?: number; cpIntervalMs?: number; env?: NodeJS.ProcessEnv } = {}): Promise<MountedVolume> {
    const { sizeBytes = 512 << 20, cpIntervalMs = 1000, env = {} } = options;
    const folder = mkdtempSync(join(tmpdir(), 'mp-'));
    const place = { configFolder: join(folder, 'a'), env: { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc'), ...env } };
    const mounted = new MountedVolume({ folder, place, server: await ServerProcess.start(place) });
    await mounted.client.volumes.create({ name: 'work', devices: [{ path: mounted.image, sizeBytes }], cpIntervalMs });
    await mounted.mount();
    return mounted;
  }

  get client(): ServerProcess['client'] {
    return this.server.client;
  }

  get image(): string {
    return join(this.folder, 'work.img');
  }

  /** An empty folder to mount at, which is cleared in the end. */
  makeFolder(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    this.#folders.push(folder);
    return folder;
  }

  async mount(): Promise<void> {
    await this.client.mounts.add({ volume: 'work', folder: this.at });
  }

  async restart(): Promise<void> {
    await this.server.kill();
    this.server = await ServerProcess.start(this.place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.kill();
    for (const folder of this.#folders) if (isMounted(folder)) spawnSync('umount', ['-f', '-l', folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
