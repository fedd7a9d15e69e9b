import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtConsole } from '../browser/built-console.ts';
import { builtDesktop, projectFolder } from './built-desktop.ts';

/** What the double has recorded of the program. */
export interface DesktopLook {
  readonly isReady: boolean;
  readonly isSandboxed: boolean;
  readonly userData: string;
  readonly loginItem: { readonly openAtLogin: boolean; readonly args: readonly string[] };
  readonly schemes: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  readonly windows: readonly {
    readonly options: Readonly<Record<string, unknown>> & { readonly webPreferences: Readonly<Record<string, unknown>> };
    readonly bounds: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
    readonly title: string;
    readonly progress: number;
    readonly backgroundColor: string;
    readonly isVisible: boolean;
    readonly url: string;
  }[];
  readonly menu: readonly unknown[];
  readonly tray?: { readonly image: string; readonly tooltip: string; readonly labels: readonly string[] };
  readonly messageBoxes: readonly { readonly message: string; readonly detail: string; readonly buttons: readonly string[] }[];
  readonly errorBoxes: readonly { readonly title: string; readonly content: string }[];
  readonly openDialogs: readonly { readonly title: string; readonly properties: readonly string[] }[];
  readonly notifications: readonly { readonly title: string; readonly body: string }[];
  readonly openedOutside: readonly string[];
  readonly openedPaths: readonly string[];
  readonly drags: readonly { readonly files: readonly string[]; readonly icon: string; readonly areThere: boolean }[];
  readonly programs: readonly string[];
  readonly popups: readonly string[];
  readonly pageErrors: readonly string[];
  readonly escaped: readonly string[];
}

/** A folder with all that goes into a package: what was built, the icons and the documents. */
async function makeProgramFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-program-'));
  const built = await builtDesktop();
  mkdirSync(join(folder, 'out'));
  mkdirSync(join(folder, 'resources'));
  symlinkSync(join(built, 'main'), join(folder, 'out', 'main'));
  symlinkSync(join(built, 'preload'), join(folder, 'out', 'preload'));
  symlinkSync(await builtConsole(), join(folder, 'out', 'renderer'));
  symlinkSync(join(projectFolder, 'resources', 'icons'), join(folder, 'resources', 'icons'));
  for (const name of ['package.json', 'README.md']) cpSync(join(projectFolder, name), join(folder, name));
  return folder;
}

/** The built desktop program in a process of its own, with the double in the place of Electron. */
export class DesktopProcess implements AsyncDisposable {
  readonly configFolder: string;
  readonly #child: ChildProcess;
  /** Removed at the end. */
  readonly #ownFolder: string | undefined;
  readonly #errors: Buffer[] = [];
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (fault: Error) => void }>();
  readonly #ended: Promise<unknown>;
  /** What there was to see when the program ended by itself. */
  lastLook: DesktopLook | undefined;
  #lastId = 0;

  private constructor(child: ChildProcess, folders: { configFolder: string; ownFolder: string | undefined }) {
    this.#child = child;
    this.configFolder = folders.configFolder;
    this.#ownFolder = folders.ownFolder;
    this.#ended = once(child, 'exit');
    child.stderr?.on('data', (part: Buffer) => this.#errors.push(part));
    child.on('message', (answer: { id: number; value?: unknown; thrown?: string }) => {
      if (answer.id === 0) this.lastLook = answer.value as DesktopLook;
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.thrown === undefined) waiting?.resolve(answer.value);
      else waiting?.reject(new Error(answer.thrown));
    });
    void this.#ended.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the program has ended: ${this.stderr}`));
      this.#waiting.clear();
    });
  }

  /** Starts the program on a configuration folder. It is under way when this resolves. */
  static async start(options: {
    configFolder: string;
    words?: readonly string[];
    env?: NodeJS.ProcessEnv;
    /** A program that is there already; it stays afterwards. */
    programFolder?: string;
  }): Promise<DesktopProcess> {
    const { configFolder, words = [], env = {}, programFolder } = options;
    const folder = programFolder ?? (await makeProgramFolder());
    const run = join(import.meta.dirname, 'run.ts');
    const child = spawn(process.execPath, [run, join(folder, 'out', 'main', 'main.js'), ...words], {
      env: { ...process.env, MIRRORPOINT_CONFIG: configFolder, ELECTRON_DOUBLE_APP: folder, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    return new DesktopProcess(child, { configFolder, ownFolder: programFolder === undefined ? folder : undefined });
  }

  /** What the program has written to its log. */
  get stderr(): string {
    return Buffer.concat(this.#errors).toString('utf8');
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** Does something that a person or the system would do, or looks at something. */
  order<T = unknown>(name: string, argument?: unknown): Promise<T> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, name, argument }, (fault) => {
        if (fault === null) return;
        this.#waiting.delete(id);
        reject(new Error(`the program has ended: ${this.stderr}`, { cause: fault }));
      });
    });
  }

  look(): Promise<DesktopLook> {
    return this.order<DesktopLook>('look');
  }

  /** Runs a function in the page's own world, and gives back what it resolves to. */
  inPage<T, A = undefined>(run: (argument: A) => T | Promise<T>, argument?: A): Promise<T> {
    return this.order<T>('evaluate', `(${run.toString()})(${argument === undefined ? '' : JSON.stringify(argument)})`);
  }

  /** Resolves to the exit status, when the program has ended by itself. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
    if (this.#ownFolder !== undefined) rmSync(this.#ownFolder, { recursive: true, force: true });
  }
}
