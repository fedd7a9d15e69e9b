import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closePages } from './chromium-pages.ts';
import { PreventableEvent } from './events.ts';

const secondPrefix = 'second-';

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

/** The program as Electron runs it. It is ready when the main file has run, and not before. */
class App extends EventEmitter {
  readonly isPackaged = process.env.ELECTRON_DOUBLE_PACKAGED === '1';
  isSandboxed = false;
  loginItem: { openAtLogin: boolean; args: string[] } = { openAtLogin: false, args: [] };
  readonly #paths = new Map<string, string>([['temp', tmpdir()]]);
  readonly #ready = Promise.withResolvers<undefined>();
  #isReady = false;

  getAppPath(): string {
    return process.env.ELECTRON_DOUBLE_APP ?? '';
  }

  setPath(name: string, path: string): void {
    this.#paths.set(name, path);
  }

  getPath(name: string): string {
    return this.#paths.get(name) ?? '';
  }

  enableSandbox(): void {
    if (this.#isReady) throw new Error('app.enableSandbox() can only be called before app is ready');
    this.isSandboxed = true;
  }

  isReady(): boolean {
    return this.#isReady;
  }

  async whenReady(): Promise<void> {
    await this.#ready.promise;
  }

  becomeReady(): void {
    this.#isReady = true;
    this.emit('ready');
    this.#ready.resolve(undefined);
  }

  /** One program for each folder of user data: a later one leaves its words and gets no lock. */
  requestSingleInstanceLock(): boolean {
    const folder = this.getPath('userData');
    mkdirSync(folder, { recursive: true });
    const lock = join(folder, 'SingletonLock');
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
    } catch {
      if (isAlive(Number(readFileSync(lock, 'utf8')))) {
        writeFileSync(join(folder, `${secondPrefix}${randomBytes(4).toString('hex')}`), JSON.stringify(process.argv));
        return false;
      }
      writeFileSync(lock, String(process.pid));
    }
    const look = (): void => {
      for (const name of readdirSync(folder)) {
        if (!name.startsWith(secondPrefix)) continue;
        const text = readFileSync(join(folder, name), 'utf8');
        if (text === '') continue;
        rmSync(join(folder, name), { force: true });
        this.emit('second-instance', new PreventableEvent(), JSON.parse(text), folder, {});
      }
    };
    watch(folder, look).unref();
    process.on('exit', () => {
      rmSync(lock, { force: true });
    });
    return true;
  }

  getLoginItemSettings(): { openAtLogin: boolean; wasOpenedAtLogin: boolean } {
    return { openAtLogin: this.loginItem.openAtLogin, wasOpenedAtLogin: false };
  }

  setLoginItemSettings({ openAtLogin, args = [] }: { openAtLogin: boolean; args?: string[] }): void {
    this.loginItem = { openAtLogin, args };
  }

  quit(): void {
    const event = new PreventableEvent();
    this.emit('before-quit', event);
    if (!event.defaultPrevented) this.exit(0);
  }

  exit(code = 0): void {
    this.emit('exiting');
    void closePages().finally(() => {
      process.exit(code);
    });
  }
}

export const app = new App();
