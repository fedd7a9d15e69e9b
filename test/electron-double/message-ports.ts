import { EventEmitter } from 'node:events';
import { deserialize, serialize } from 'node:v8';

/** What a message becomes on its way: what V8 alone can clone, as in Electron, so that a blob is refused. */
export function cloned(value: unknown): unknown {
  return deserialize(serialize(value));
}

/** One end of a channel in the main process. */
export class MessagePortMain extends EventEmitter {
  #other: PortEnd | undefined;
  #twin: MessagePortMain | undefined;
  #isStarted = false;
  #isClosed = false;
  readonly #waiting: unknown[] = [];

  /** Makes two ports the ends of one channel. */
  static join(first: MessagePortMain, second: MessagePortMain): void {
    first.#other = first.#twin = second;
    second.#other = second.#twin = first;
  }

  /** Puts a port of a page in the place of this one, and gives back the end that is left here. */
  handOver(page: PortEnd): PortEnd {
    const left = this.#twin;
    if (left === undefined) throw new Error('the port has no other end');
    left.#other = page;
    return left;
  }

  postMessage(message: unknown, transfer: readonly MessagePortMain[] = []): void {
    if (transfer.length > 0) throw new Error('the double hands ports over by webContents.postMessage alone');
    if (!this.#isClosed) this.#other?.receive(cloned(message));
  }

  receive(data: unknown): void {
    if (this.#isClosed) return;
    this.#waiting.push(data);
    this.#flush();
  }

  start(): void {
    this.#isStarted = true;
    this.#flush();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#other?.otherClosed();
  }

  otherClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.emit('close');
  }

  #flush(): void {
    if (!this.#isStarted) return;
    // As with any port, a message is an event of its own.
    for (const data of this.#waiting.splice(0)) {
      setImmediate(() => {
        if (!this.#isClosed) this.emit('message', { data, ports: [] });
      });
    }
  }
}

export interface PortEnd {
  receive(data: unknown): void;
  otherClosed(): void;
}

export class MessageChannelMain {
  readonly port1 = new MessagePortMain();
  readonly port2 = new MessagePortMain();

  constructor() {
    MessagePortMain.join(this.port1, this.port2);
  }
}
