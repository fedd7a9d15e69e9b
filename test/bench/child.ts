import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { smallHeapFlags } from '../../src-main/shells/index.ts';

const compileCache = fileURLToPath(new URL('../../node_modules/.cache/mirrorpoint', import.meta.url));

/** What a child process offers: methods over values that survive the channel. */
export type Service = object;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly fault?: string;
}

/** In the child: answers the parent's calls until the parent has gone. */
export function serveParent(service: Service): void {
  const methods = service as Record<string, (...args: unknown[]) => unknown>;
  process.on('message', (message) => {
    const { id, method, args } = message as Call;
    const answer = (said: Omit<Answer, 'id'>): void => {
      process.send?.({ id, ...said });
    };
    Promise.try(() => methods[method]!(...args)).then(
      (result) => {
        answer({ result });
      },
      (fault: unknown) => {
        answer({ fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) });
      },
    );
  });
  process.on('disconnect', () => {
    process.exit();
  });
  // An interruption from the keyboard reaches every process; the parent ends the children in order.
  process.on('SIGINT', () => undefined);
}

/** Methods of a service as the parent calls them. */
export type Remote<S> = {
  [M in keyof S]: S[M] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

/** In the parent: a child process and the service that its module offers. */
export class Child<S extends Service> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #open = new Map<number, { resolve: (result: unknown) => void; reject: (fault: Error) => void }>();
  #lastId = 0;

  /** What it does is given up, and the child with it, when the signal aborts. */
  constructor(module: string, options: { nodeArguments?: readonly string[]; signal?: AbortSignal } = {}) {
    const path = fileURLToPath(new URL(module, import.meta.url));
    // As for the real server: its heap is small from the start, and what was compiled once is not held in memory as source and again as code.
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
    this.#process = fork(path, [], { execArgv: [...smallHeapFlags, ...(options.nodeArguments ?? [])], env, serialization: 'advanced' });
    const giveUp = (): void => {
      this.#process.kill('SIGKILL');
    };
    options.signal?.addEventListener('abort', giveUp);
    this.#process.on('message', (message) => {
      this.#hear(message as Answer);
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        for (const { reject } of this.#open.values()) reject(new Error(`${module} has ended: ${signal ?? `code ${code}`}`));
        this.#open.clear();
        options.signal?.removeEventListener('abort', giveUp);
        resolve();
      });
    });
  }

  call<M extends keyof S & string>(method: M, ...args: Parameters<Remote<S>[M]>): ReturnType<Remote<S>[M]> {
    const id = ++this.#lastId;
    const result = new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#process.send({ id, method, args } satisfies Call, (fault) => {
        if (fault !== null) reject(fault);
      });
    });
    return result as ReturnType<Remote<S>[M]>;
  }

  /** Ends the child, which then ends in order. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hear(answer: Answer): void {
    const call = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if (answer.fault === undefined) call?.resolve(answer.result);
    else call?.reject(new Error(answer.fault));
  }
}
