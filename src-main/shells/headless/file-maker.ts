import { Worker } from 'node:worker_threads';
import type { LocalAttributes, WholeFile } from '../../engine/index.ts';
import { localFault } from './local-faults.ts';
import { mayGiveAway, nameBeside, secondsOf } from './local-writing.ts';

/** The thread ends when it has had nothing to do for so long. */
const idleMs = 2000;

interface Order {
  readonly id: number;
  readonly path: string;
  /** What the file is called until it is whole. */
  readonly made: string;
  readonly bytes: Uint8Array;
  readonly parts: WholeFile['parts'];
  readonly mode: number;
  readonly owner: Pick<LocalAttributes, 'uid' | 'gid'> | undefined;
  readonly seconds: number;
  readonly replace: boolean;
}

interface Outcome {
  readonly id: number;
  readonly fault?: { readonly doing: string; readonly code: string | undefined; readonly message: string };
}

/** The maker's thread. It has only what it is given here: its text is what the thread is started with. */
function makeFiles(): void {
  const port = process.getBuiltinModule('node:worker_threads').parentPort!;
  const fs = process.getBuiltinModule('node:fs');
  let doing = '';

  const fill = (fd: number, { bytes, parts, mode, owner, seconds }: Order): void => {
    doing = 'written';
    for (const { start, end } of parts) {
      for (let at = start; at < end; ) at += fs.writeSync(fd, bytes, at, end - at, at);
    }
    if ((parts.at(-1)?.end ?? 0) < bytes.length) fs.ftruncateSync(fd, bytes.length);
    doing = 'given to its owner';
    if (owner !== undefined) fs.fchownSync(fd, owner.uid, owner.gid);
    doing = 'changed';
    fs.fchmodSync(fd, mode);
    doing = 'dated';
    fs.futimesSync(fd, seconds, seconds);
  };

  const make = (order: Order): void => {
    const { path, made, replace } = order;
    doing = 'made';
    const fd = fs.openSync(made, 'wx', 0o600);
    try {
      try {
        fill(fd, order);
      } finally {
        fs.closeSync(fd);
      }
      doing = 'named';
      if (replace) fs.renameSync(made, path);
      else {
        // A rename would replace in silence what came meanwhile; a link does not.
        fs.linkSync(made, path);
        fs.unlinkSync(made);
      }
    } catch (fault) {
      fs.rmSync(made, { force: true });
      throw fault;
    }
  };

  port.on('message', (order: Order) => {
    const { id } = order;
    try {
      make(order);
      port.postMessage({ id } satisfies Outcome);
    } catch (fault) {
      const { code, message } = fault as NodeJS.ErrnoException;
      port.postMessage({ id, fault: { doing, code, message } } satisfies Outcome);
    }
  });
}

/**
 * Makes small files on a thread of its own, each in one go. Through the threads
 * that Node has for files, a file costs eight calls that each wait for their
 * turn, and several files made at once wait for each other in their folder. How
 * many wait here is bounded by the copies that ask.
 */
export class FileMaker {
  readonly #waiting = new Map<number, { path: string; resolve: () => void; reject: (fault: unknown) => void }>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** Throws `exists` when the name is taken and may not be replaced. */
  make(path: string, { bytes, parts, attributes, replace }: WholeFile): Promise<void> {
    const { mode, uid, gid, modifiedNs } = attributes;
    const owner = mayGiveAway ? { uid, gid } : undefined;
    const id = ++this.#lastId;
    const order: Order = { id, path, made: nameBeside(path), bytes, parts, mode, owner, seconds: secondsOf(modifiedNs), replace };
    const worker = this.#begin();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { path, resolve, reject });
      worker.postMessage(order);
    });
  }

  #begin(): Worker {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    // Whoever waits for a file keeps the process going, and the thread by itself does not.
    this.#worker.ref();
    return this.#worker;
  }

  #start(): Worker {
    const worker = new Worker(`(${makeFiles.toString()})();`, { eval: true, name: 'file maker' });
    worker.on('message', (outcome: Outcome) => {
      this.#end(outcome);
    });
    worker.once('error', (fault) => {
      this.#worker = undefined;
      for (const { path, reject } of this.#waiting.values()) reject(localFault(path, 'made', fault));
      this.#waiting.clear();
    });
    return worker;
  }

  #end({ id, fault }: Outcome): void {
    const { path, resolve, reject } = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    if (fault === undefined) resolve();
    else reject(localFault(path, fault.doing, Object.assign(new Error(fault.message), { code: fault.code })));
  }

  #rest(): void {
    const worker = this.#worker;
    worker?.unref();
    this.#idle = setTimeout(() => {
      this.#worker = undefined;
      void worker?.terminate();
    }, idleMs).unref();
  }
}
