import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { record } from './recorded.ts';

/** What a utility process hears its parent by; run in it before its own script. */
const parentPort = `
import { EventEmitter } from 'node:events';
process.parentPort = new EventEmitter();
process.on('message', (data) => process.parentPort.emit('message', { data, ports: [] }));
process.on('disconnect', () => process.exit());
`;

interface ForkOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio?: readonly ('pipe' | 'ignore' | 'inherit')[];
  readonly serviceName?: string;
}

/** A script in a process of its own, which has no input and ends with its parent. */
class UtilityProcess extends EventEmitter {
  readonly stdout: Readable | null;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    super();
    this.#child = child;
    this.stdout = child.stdout;
    child.once('exit', (code) => this.emit('exit', code ?? 0));
    child.on('error', () => undefined);
  }

  postMessage(message: unknown): void {
    if (this.#child.connected) this.#child.send({ message });
  }

  kill(): boolean {
    return this.#child.kill('SIGTERM');
  }
}

export const utilityProcess = {
  fork(path: string, words: readonly string[] = [], options: ForkOptions = {}): UtilityProcess {
    const [input = 'ignore', output = 'inherit', errors = 'inherit'] = options.stdio ?? [];
    if (input !== 'ignore') throw new Error("stdin of a utility process can only be 'ignore'");
    record.programs.push(options.serviceName ?? path);
    const child = fork(path, [...words], {
      env: options.env ?? process.env,
      execArgv: ['--import', `data:text/javascript,${encodeURIComponent(parentPort)}`],
      stdio: ['ignore', output, errors, 'ipc'],
    });
    return new UtilityProcess(child);
  },
};
