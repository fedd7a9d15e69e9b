import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { app } from './app.ts';
import { record } from './recorded.ts';

interface ForkOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
  readonly stdio?: readonly ('pipe' | 'ignore' | 'inherit')[];
  readonly serviceName?: string;
}

/** A process of Node's own, with no input, that ends with the program. */
class UtilityProcess extends EventEmitter {
  readonly stdout: Readable | null;
  readonly #child: ReturnType<typeof spawn>;

  constructor(modulePath: string, words: readonly string[], options: ForkOptions) {
    super();
    const { env, execArgv = [], stdio = ['ignore', 'inherit', 'inherit'] } = options;
    this.#child = spawn(process.execPath, [...execArgv, modulePath, ...words], { env, stdio: [...stdio] });
    this.stdout = this.#child.stdout;
    this.#child.once('spawn', () => this.emit('spawn'));
    this.#child.once('exit', (code) => this.emit('exit', code ?? 1));
    process.once('exit', () => void this.kill());
  }

  kill(): boolean {
    return this.#child.kill('SIGTERM');
  }
}

export const utilityProcess = {
  fork(modulePath: string, words: readonly string[] = [], options: ForkOptions = {}): UtilityProcess {
    if (!app.isReady()) throw new Error('utilityProcess cannot be created before app is ready.');
    record.programs.push(options.serviceName ?? modulePath);
    return new UtilityProcess(modulePath, words, options);
  },
};
