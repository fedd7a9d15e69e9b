import type { BigIntStats } from 'node:fs';
import { assert, reasonOf } from '../../base/index.ts';
import { type LocalStat, wholeFileBytesMax, type WholeRead } from '../../engine/index.ts';
import { toldFault, type ToldFault } from './local-faults.ts';
import { localStat } from './local-stat.ts';
import { SideThread } from './side-thread.ts';

/** Files in one order. */
const filesPerOrderMax = 64;

/** Pieces of memory for the content of files, each for one order. */
const slabsMax = 8;

interface FileOrder {
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** Paths to be looked at, or files to be read into memory that both threads see. */
type Order = { readonly paths: readonly string[] } | { readonly memory: SharedArrayBuffer; readonly files: readonly FileOrder[] };

/** Of each path or file the numbers that `numbersOf` gives, or why it has none. */
type Outcome = readonly bigint[] | ToldFault;

function readFiles(): (order: Order) => readonly Outcome[] {
  const fs = process.getBuiltinModule('node:fs');
  // A pipe must not be waited for, nor a link that replaced the file be followed. Neither flag is there on Windows.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants as { O_RDONLY: number; O_NONBLOCK?: number; O_NOFOLLOW?: number };
  let doing = '';

  const numbersOf = (stat: BigIntStats, gotBytes: number): bigint[] => {
    const { mode, uid, gid, size, mtimeNs, nlink, dev, ino, birthtimeNs } = stat;
    return [mode, uid, gid, size, mtimeNs, nlink, dev, ino, birthtimeNs, BigInt(gotBytes)];
  };

  const examine = (path: string): bigint[] => {
    doing = 'examined';
    return numbersOf(fs.lstatSync(path, { bigint: true }), 0);
  };

  const read = (memory: SharedArrayBuffer, { path, offsetBytes, sizeBytes }: FileOrder): bigint[] => {
    doing = 'opened';
    const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    try {
      doing = 'read';
      const target = new Uint8Array(memory, offsetBytes, sizeBytes);
      let doneBytes = 0;
      while (doneBytes < sizeBytes) {
        const gotBytes = fs.readSync(fd, target, doneBytes, sizeBytes - doneBytes, doneBytes);
        if (gotBytes === 0) break;
        doneBytes += gotBytes;
      }
      doing = 'examined';
      return numbersOf(fs.fstatSync(fd, { bigint: true }), doneBytes);
    } finally {
      fs.closeSync(fd);
    }
  };

  const outcomeOf = (work: () => bigint[]): Outcome => {
    try {
      return work();
    } catch (fault) {
      const { code, message } = fault as NodeJS.ErrnoException;
      return { doing, code, message };
    }
  };

  return (order) =>
    'paths' in order
      ? order.paths.map((path) => outcomeOf(() => examine(path)))
      : order.files.map((file) => outcomeOf(() => read(order.memory, file)));
}

function takeApart(numbers: readonly bigint[]): { stat: LocalStat; gotBytes: number } {
  const [mode, uid, gid, size, mtimeNs, nlink, dev, ino, birthtimeNs, gotBytes] = numbers as [
    bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint,
  ];
  return { stat: localStat({ mode, uid, gid, size, mtimeNs, nlink, dev, ino, birthtimeNs }), gotBytes: Number(gotBytes) };
}

interface Waiting {
  readonly path: string;
  readonly sizeBytes: number;
  readonly resolve: (read: WholeRead) => void;
  readonly reject: (fault: unknown) => void;
}

/** Memory for the files of one order, until the last of them is given back. */
class Slab {
  readonly memory = new SharedArrayBuffer(wholeFileBytesMax);
  inUseCount = 0;
}

/**
 * Examines local files, and reads small ones whole, on a thread of its own, many
 * in one go. Through the threads that Node has for files, a small one costs five
 * calls that each wait for their turn. When all memory for what was read is in
 * use, further files wait.
 */
export class SourceReader {
  readonly #thread = new SideThread({ name: 'source reader', work: readFiles });
  readonly #waiting: Waiting[] = [];
  readonly #slabs: Slab[] = [];
  #isSending = false;

  /** What each path leads to; undefined where nothing is there. */
  async examine(paths: readonly string[]): Promise<(LocalStat | undefined)[]> {
    const outcomes = await this.#ask({ paths }, paths.length);
    return outcomes.map((outcome, index) => {
      if (!('doing' in outcome)) return takeApart(outcome).stat;
      const fault = toldFault(paths[index]!, outcome);
      if (fault.code === 'not-found') return undefined;
      throw fault;
    });
  }

  /** Opens a file, reads so many bytes from its beginning, at most `wholeFileBytesMax`, and examines it. */
  read(path: string, sizeBytes: number): Promise<WholeRead> {
    assert(sizeBytes <= wholeFileBytesMax, `a file of ${sizeBytes} bytes is too large to be read whole`);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ path, sizeBytes, resolve, reject });
      this.#sendSoon();
    });
  }

  /** What is asked for in one turn goes together. */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#isSending = false;
      while (this.#waiting.length > 0) {
        const slab = this.#freeSlab();
        if (slab === undefined) return;
        void this.#send(slab);
      }
    });
  }

  #freeSlab(): Slab | undefined {
    const free = this.#slabs.find(({ inUseCount }) => inUseCount === 0);
    if (free !== undefined || this.#slabs.length === slabsMax) return free;
    const slab = new Slab();
    this.#slabs.push(slab);
    return slab;
  }

  async #send(slab: Slab): Promise<void> {
    const { memory } = slab;
    const files: FileOrder[] = [];
    let offsetBytes = 0;
    for (const { path, sizeBytes } of this.#waiting) {
      if (files.length === filesPerOrderMax || offsetBytes + sizeBytes > memory.byteLength) break;
      files.push({ path, offsetBytes, sizeBytes });
      offsetBytes += sizeBytes;
    }
    const asked = this.#waiting.splice(0, files.length);
    slab.inUseCount = files.length;
    const outcomes = await this.#ask({ memory, files }, files.length);
    for (const [index, outcome] of outcomes.entries()) {
      const { path, resolve, reject } = asked[index]!;
      if ('doing' in outcome) {
        reject(toldFault(path, outcome));
        this.#giveBack(slab);
      } else {
        const { stat, gotBytes } = takeApart(outcome);
        resolve(this.#lend(slab, { stat, bytes: new Uint8Array(memory, files[index]!.offsetBytes, gotBytes) }));
      }
    }
  }

  #lend(slab: Slab, read: { stat: LocalStat; bytes: Uint8Array }): WholeRead {
    let isLent = true;
    return {
      ...read,
      [Symbol.dispose]: () => {
        if (isLent) this.#giveBack(slab);
        isLent = false;
      },
    };
  }

  #giveBack(slab: Slab): void {
    if (--slab.inUseCount > 0) return;
    if (this.#waiting.length > 0) this.#sendSoon();
    else if (this.#slabs.every(({ inUseCount }) => inUseCount === 0)) this.#slabs.length = 1;
  }

  /** When the thread itself fails, that is the fault of each. */
  async #ask(order: Order, count: number): Promise<readonly Outcome[]> {
    try {
      return await this.#thread.ask(order);
    } catch (cause) {
      return Array.from({ length: count }, () => ({ doing: 'read', code: undefined, message: reasonOf(cause) }));
    }
  }
}
