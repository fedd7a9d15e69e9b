import { Worker } from 'node:worker_threads';

/** Places for requests that were read and are not answered yet. */
const slotCount = 16;

/** Words that reader and owner share: a count of freed places, whether the owner was called, then the state of each place. */
const freedWord = 0;
const calledWord = 1;
const firstSlotWord = 2;

interface ReaderTask {
  readonly descriptor: number;
  readonly slotBytes: number;
  readonly slotCount: number;
  readonly firstSlotWord: number;
  readonly words: Int32Array;
  readonly requests: Uint8Array;
}

/**
 * The reader's thread. It has only what it is given here: its text is what the
 * thread is started with. A word of a place is 0 while it is free, and else the
 * length of the request in it.
 */
function readRequests(): void {
  const thread = process.getBuiltinModule('node:worker_threads');
  const { readSync } = process.getBuiltinModule('node:fs');
  const task = thread.workerData as ReaderTask;
  const { descriptor, slotBytes, slotCount: count, firstSlotWord: first, words, requests } = task;
  const freeSlot = (): number => {
    for (;;) {
      const freed = Atomics.load(words, 0);
      for (let slot = 0; slot < count; slot++) if (Atomics.load(words, first + slot) === 0) return slot;
      Atomics.wait(words, 0, freed);
    }
  };
  for (;;) {
    const slot = freeSlot();
    try {
      const lengthBytes = readSync(descriptor, requests, slot * slotBytes, slotBytes, null);
      if (lengthBytes === 0) return;
      Atomics.store(words, first + slot, lengthBytes);
    } catch (fault) {
      const { code } = fault as NodeJS.ErrnoException;
      // A request was taken back while it was read, or a signal came.
      if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') continue;
      return;
    }
    // One call wakes the owner for all that comes until it looks.
    if (Atomics.exchange(words, 1, 1) === 0) thread.parentPort?.postMessage(0);
  }
}

/**
 * Reads requests from a device of the kernel on a thread of its own. Reading
 * there waits until one comes, and the threads that Node has for files are four:
 * each read that waits on one of them would be in the way of the volume's
 * devices. A request is read to where both threads see it, and its place is
 * free again when `onRequest` is done with it.
 */
export class RequestReader {
  /** Resolves when nothing more can be read: the mount has gone. */
  readonly ended: Promise<void>;
  readonly #words: Int32Array;
  readonly #requests: Uint8Array;
  readonly #slotBytes: number;
  readonly #taken = new Uint8Array(slotCount);
  readonly #onRequest: (request: Uint8Array) => Promise<void> | undefined;

  constructor(device: { descriptor: number; requestBytesMax: number }, onRequest: (request: Uint8Array) => Promise<void> | undefined) {
    this.#slotBytes = device.requestBytesMax;
    this.#onRequest = onRequest;
    this.#words = new Int32Array(new SharedArrayBuffer(4 * (firstSlotWord + slotCount)));
    this.#requests = new Uint8Array(new SharedArrayBuffer(slotCount * this.#slotBytes));
    const task: ReaderTask = {
      descriptor: device.descriptor,
      slotBytes: this.#slotBytes,
      slotCount,
      firstSlotWord,
      words: this.#words,
      requests: this.#requests,
    };
    const worker = new Worker(`(${readRequests.toString()})();`, { eval: true, workerData: task, name: 'mount reader' });
    worker.on('message', () => {
      this.#take();
    });
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve();
      });
      worker.once('error', () => {
        resolve();
      });
    });
  }

  /** Hands over what has been read. */
  #take(): void {
    Atomics.store(this.#words, calledWord, 0);
    for (let slot = 0; slot < slotCount; slot++) {
      const lengthBytes = Atomics.load(this.#words, firstSlotWord + slot);
      if (lengthBytes === 0 || this.#taken[slot] !== 0) continue;
      const start = slot * this.#slotBytes;
      const done = this.#onRequest(this.#requests.subarray(start, start + lengthBytes));
      if (done === undefined) this.#free(slot);
      else {
        this.#taken[slot] = 1;
        void done.then(() => {
          this.#taken[slot] = 0;
          this.#free(slot);
        });
      }
    }
  }

  #free(slot: number): void {
    Atomics.store(this.#words, firstSlotWord + slot, 0);
    Atomics.add(this.#words, freedWord, 1);
    Atomics.notify(this.#words, freedWord);
  }
}
