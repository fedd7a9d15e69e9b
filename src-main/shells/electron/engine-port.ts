import { RPCHandler } from '@orpc/server/websocket';
import { reasonOf } from '../../base/index.ts';
import { type Engine, engineRouter, type EngineSession } from '../../engine/index.ts';
import { messageBytesMax, questionsMax } from './limits.ts';

/** The main process's end of a channel to a page, as much of it as is used. */
export interface PagePort {
  on(event: 'message', listener: (message: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

/**
 * Takes the messages one by one, so that a garbled one can be refused: the
 * handler for ports would let its fault go unheard. Both write alike.
 */
const handler = new RPCHandler(engineRouter);

/** Answers what comes over one port, with an engine session of its own, until the port is closed on either side. */
export class EnginePort implements AsyncDisposable {
  readonly #port: PagePort;
  readonly #engine: Engine;
  readonly #session: EngineSession;
  readonly #socket: Parameters<typeof handler.message>[0];
  readonly #onRefused: (what: string) => void;
  readonly #onClose: () => void;
  #questionCount = 0;
  #closing: Promise<void> | undefined;

  private constructor(port: PagePort, parts: { engine: Engine; onRefused: (what: string) => void; onClose: () => void }) {
    this.#port = port;
    this.#engine = parts.engine;
    this.#onRefused = parts.onRefused;
    this.#onClose = parts.onClose;
    this.#session = parts.engine.newSession();
    this.#socket = {
      addEventListener: () => undefined,
      send: (data) => {
        this.#port.postMessage(data);
      },
    };
  }

  /** `onRefused` hears of messages that are none; `onClose` of the end. */
  static serve(port: PagePort, parts: { engine: Engine; onRefused: (what: string) => void; onClose: () => void }): EnginePort {
    const served = new EnginePort(port, parts);
    port.on('message', ({ data }) => {
      void served.#receive(data);
    });
    port.on('close', () => {
      void served.close();
    });
    port.start();
    return served;
  }

  /** Ends what is under way and the session. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    handler.close(this.#socket);
    this.#port.close();
    this.#onClose();
    await this.#session.close();
  }

  async #receive(data: unknown): Promise<void> {
    const refusal = refusalOf(data);
    if (refusal !== undefined || !isMessage(data)) {
      this.#onRefused(`a message to the engine: it ${refusal ?? 'is none'}`);
      return;
    }
    if (this.#questionCount >= questionsMax) {
      this.#onRefused(`more than ${questionsMax} questions to the engine at once, and its port was closed`);
      await this.close();
      return;
    }
    this.#questionCount++;
    try {
      await handler.message(this.#socket, encoded(data), { context: { engine: this.#engine, session: this.#session } });
    } catch (fault) {
      if (this.#closing === undefined) this.#onRefused(`a message to the engine: it could not be read (${reasonOf(fault)})`);
    } finally {
      this.#questionCount--;
    }
  }
}

/** As the handler takes it. */
function encoded(data: string | Uint8Array<ArrayBuffer> | ArrayBuffer): string | ArrayBuffer {
  if (!(data instanceof Uint8Array)) return data;
  const isWhole = data.byteLength === data.buffer.byteLength;
  return isWhole ? data.buffer : data.slice().buffer;
}

function isMessage(data: unknown): data is string | Uint8Array<ArrayBuffer> | ArrayBuffer {
  return typeof data === 'string' || data instanceof Uint8Array || data instanceof ArrayBuffer;
}

/** Why something is no message that is looked into, or undefined. */
function refusalOf(data: unknown): string | undefined {
  if (!isMessage(data)) return 'is neither text nor bytes';
  const sizeBytes = typeof data === 'string' ? data.length : data.byteLength;
  return sizeBytes > messageBytesMax ? `has ${sizeBytes} bytes, and ${messageBytesMax} is the most` : undefined;
}
