import { assert, MirrorpointError } from '../base/index.ts';
import { readAheadBytesMax } from './limits.ts';
import { Outstanding } from './outstanding.ts';
import type { Link } from './transport.ts';

interface WaitingSend {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
}

interface WaitingReader {
  readonly resolve: (chunk: Uint8Array | undefined) => void;
  readonly reject: (fault: Error) => void;
}

type PipeState = 'open' | 'ended' | 'cut';

/** One direction of a memory link. Bytes are copied when they are taken, one chunk per send. */
class Pipe {
  readonly #outstanding = new Outstanding();
  readonly #waiting: WaitingSend[] = [];
  readonly #taken: Uint8Array[] = [];
  readonly #fault: (why: string) => Error;
  #takenBytes = 0;
  #reader: WaitingReader | undefined;
  #state: PipeState = 'open';

  constructor(fault: (why: string) => Error) {
    this.#fault = fault;
  }

  write(buffers: readonly Uint8Array[]): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#fault('it has ended'));
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#outstanding.add(bytes);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ buffers, bytes, resolve, reject });
      this.#take();
    });
  }

  read(): Promise<Uint8Array | undefined> {
    assert(this.#reader === undefined, 'one receive may be pending on a link');
    const chunk = this.#taken.shift();
    if (chunk !== undefined) {
      this.#takenBytes -= chunk.length;
      this.#take();
      return Promise.resolve(chunk);
    }
    if (this.#state === 'cut') return Promise.reject(this.#fault('it was cut'));
    if (this.#state === 'ended') return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** No more is written; what was sent before can still be read. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#take(Infinity);
    this.#state = 'ended';
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
  }

  /** Nothing passes any more, and what was not read is lost. */
  cut(why: string): void {
    if (this.#state === 'cut') return;
    this.#state = 'cut';
    this.#taken.length = 0;
    this.#takenBytes = 0;
    for (const send of this.#waiting.splice(0)) {
      this.#outstanding.remove(send.bytes);
      send.reject(this.#fault(why));
    }
    this.#reader?.reject(this.#fault(why));
    this.#reader = undefined;
  }

  #take(limitBytes = readAheadBytesMax): void {
    while (this.#state === 'open' && this.#takenBytes < limitBytes) {
      const send = this.#waiting.shift();
      if (send === undefined) return;
      this.#outstanding.remove(send.bytes);
      if (send.bytes > 0) this.#deliver(joined(send));
      send.resolve();
    }
  }

  #deliver(chunk: Uint8Array): void {
    const reader = this.#reader;
    if (reader === undefined) {
      this.#taken.push(chunk);
      this.#takenBytes += chunk.length;
    } else {
      this.#reader = undefined;
      reader.resolve(chunk);
    }
  }
}

function joined(send: WaitingSend): Uint8Array {
  const chunk = new Uint8Array(send.bytes);
  let offset = 0;
  for (const buffer of send.buffers) {
    chunk.set(buffer, offset);
    offset += buffer.length;
  }
  return chunk;
}

/** One end of a pair of links within a process. It uses no timers: only the order of promises decides. */
export class MemoryLink implements Link {
  readonly remote: string;
  readonly #outgoing: Pipe;
  readonly #incoming: Pipe;
  readonly #ended: () => void;

  constructor(options: { remote: string; outgoing: Pipe; incoming: Pipe; ended: () => void }) {
    this.remote = options.remote;
    this.#outgoing = options.outgoing;
    this.#incoming = options.incoming;
    this.#ended = options.ended;
  }

  async send(buffers: readonly Uint8Array[]): Promise<void> {
    await this.#outgoing.write(buffers);
  }

  async receive(): Promise<Uint8Array | undefined> {
    return this.#incoming.read();
  }

  close(): Promise<void> {
    this.#outgoing.end();
    this.#incoming.cut('it was closed here');
    this.#ended();
    return Promise.resolve();
  }

  /** As when the wire is cut: both ends fail, and what was not read is lost. */
  cut(): void {
    this.#outgoing.cut('it was cut');
    this.#incoming.cut('it was cut');
    this.#ended();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Two linked ends. `ended` runs once, when the first of them closes or is cut. */
export function createMemoryPair(
  options: { near?: string; far?: string; ended?: () => void } = {},
): [near: MemoryLink, far: MemoryLink] {
  const { near = 'memory://near', far = 'memory://far' } = options;
  const faultFrom = (remote: string) => (why: string) =>
    new MirrorpointError('link-closed', `The link to ${remote} carries nothing any more: ${why}. Open it again.`);
  const nearToFar = new Pipe(faultFrom(far));
  const farToNear = new Pipe(faultFrom(near));
  let isOpen = true;
  const ended = (): void => {
    if (isOpen) options.ended?.();
    isOpen = false;
  };
  return [
    new MemoryLink({ remote: far, outgoing: nearToFar, incoming: farToNear, ended }),
    new MemoryLink({ remote: near, outgoing: farToNear, incoming: nearToFar, ended }),
  ];
}
