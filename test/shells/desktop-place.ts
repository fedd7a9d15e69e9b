import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { controlEndpoint } from '../../src-main/shells/headless/config-folder.ts';
import { connectControl, type ControlClient } from '../../src-main/shells/headless/control-client.ts';
import { DesktopProcess } from '../electron-double/desktop-process.ts';

/** How long things may take that take a moment. */
export const soon = { timeout: 120_000, interval: 50 };

/** A folder for a desktop program with what it serves, and the programs that run there. */
export class DesktopPlace implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mp-'));
  readonly configFolder = join(this.folder, 'config');
  readonly env: NodeJS.ProcessEnv = {
    MIRRORPOINT_IPC_FOLDER: join(this.folder, 'run'),
    XDG_CONFIG_HOME: join(this.folder, 'home'),
    APPIMAGE: undefined,
  };
  /** A program to run in the place of the one that is built. */
  programFolder: string | undefined;
  readonly #stack = new AsyncDisposableStack();

  constructor() {
    mkdirSync(join(this.folder, 'home'));
    this.#stack.defer(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Starts the program, and does not wait for it. */
  async begin(...words: readonly string[]): Promise<DesktopProcess> {
    return this.#stack.use(await DesktopProcess.start({
        configFolder: this.configFolder,
        words,
        env: this.env,
        ...(this.programFolder !== undefined && { programFolder: this.programFolder }),
      }),
    );
  }

  /** Starts the program, and waits until it serves. */
  async start(...words: readonly string[]): Promise<DesktopProcess> {
    const desktop = await this.begin(...words);
    await this.client();
    return desktop;
  }

  /** Asks the server of the place as commands do, once there is one. */
  async client(): Promise<MirrorpointClient> {
    let control: ControlClient | undefined;
    const connect = async (): Promise<boolean> => {
      control ??= await connectControl(controlEndpoint(this.configFolder));
      return control !== undefined;
    };
    await vi.waitUntil(connect, soon);
    return this.#stack.use(control!).client;
  }

  /** Makes a volume whose CPs come from outside alone, or nearly. */
  async createVolume(client: MirrorpointClient, name: string): Promise<void> {
    await client.volumes.create({ name, devices: [{ path: join(this.folder, `${name}.img`), sizeBytes: 64 << 20 }], cpIntervalMs: 86_400_000 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Waits until the page shows the console and has reached the engine. */
export async function untilConsole(desktop: DesktopProcess): Promise<void> {
  await vi.waitUntil(() => desktop.inPage(() => (document.querySelector('.server-name + *')?.textContent ?? '') !== '').catch(() => false), soon);
}
