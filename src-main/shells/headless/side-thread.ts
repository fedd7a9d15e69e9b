import { Worker } from 'node:worker_threads';

/** How long the thread stays with nothing to do, unless told otherwise. */
const idleMsMax = 2000;

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (fault: unknown) => void;
}

/** What the thread does with the function that its work returns. */
function serve(answer: (order: unknown) => unknown): void {
  const port = process.getBuiltinModule('node:worker_threads').parentPort!;
  port.on('message', (order: unknown) => {
    port.postMessage(answer(order));
  });
}

/**
 * A thread that answers orders one by one, for calls of the system that are
 * better made in one go than each through the threads that Node has for files.
 * It is there while there is something to do, and does not keep the process
 * going otherwise.
 */
export class SideThread<Order, Answer> {
  readonly #name: string;
  readonly #text: string;
  readonly #idleMs: number;
  readonly #waiting: Waiting<Answer>[] = [];
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `work` returns what answers an order. It has only what it is given: its text is what the thread is started with. */
  constructor(options: { name: string; work: () => (order: Order) => Answer; idleMs?: number }) {
    this.#name = options.name;
    this.#idleMs = options.idleMs ?? idleMsMax;
    this.#text = `(${serve.toString()})((${options.work.toString()})());`;
  }

  /** Rejects only when the thread itself fails. */
  ask(order: Order): Promise<Answer> {
    const worker = this.#begin();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(order);
    });
  }

  #begin(): Worker {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    // Whoever waits for an answer keeps the process going, and the thread by itself does not.
    this.#worker.ref();
    return this.#worker;
  }

  #start(): Worker {
    const worker = new Worker(this.#text, { eval: true, name: this.#name });
    worker.on('message', (answer: Answer) => {
      const { resolve } = this.#waiting.shift()!;
      if (this.#waiting.length === 0) this.#rest();
      resolve(answer);
    });
    worker.once('error', (fault) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(fault);
    });
    return worker;
  }

  #rest(): void {
    const worker = this.#worker;
    worker?.unref();
    this.#idle = setTimeout(() => {
      this.#worker = undefined;
      void worker?.terminate();
    }, this.#idleMs).unref();
  }
}
