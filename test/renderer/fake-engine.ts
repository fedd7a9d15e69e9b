import { createPinia, setActivePinia } from 'pinia';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { connectConsole } from '../../src-renderer/client/index.ts';
import { useConnectionStore } from '../../src-renderer/stores/index.ts';

/** What of the contract a test answers. */
type Answers = Readonly<Record<string, Readonly<Record<string, (input: never, options: { signal?: AbortSignal }) => unknown>>>>;

/** Gives the stores a client whose engine answers as the test wants it to, and waits until it is connected. */
export async function connectToFake(answers: Answers): Promise<{ close: () => void }> {
  setActivePinia(createPinia());
  const closed = Promise.withResolvers<undefined>();
  const client = connectConsole({
    host: { kind: 'browser', desktop: undefined, download: undefined },
    carrier: {
      open: () =>
        Promise.resolve({
          client: answers as unknown as MirrorpointClient,
          closed: closed.promise,
          close: () => {
            closed.resolve(undefined);
          },
        }),
    },
  });
  useConnectionStore().attach(client);
  await new Promise<void>((resolve) => {
    if (client.state === 'open') resolve();
    client.onState((state) => {
      if (state === 'open') resolve();
    });
  });
  return {
    close: () => {
      client.close();
    },
  };
}

/** A stream that the test fills, as the engine's are: it ends with the listener. */
export class FakeStream<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #ended: { readonly fault?: unknown } | undefined;
  #wake: (() => void) | undefined;
  isListenedTo = false;

  tell(item: T): void {
    this.#waiting.push(item);
    this.#wake?.();
  }

  /** Ends the stream, with a fault where one is given. */
  end(fault?: unknown): void {
    this.#ended = fault === undefined ? {} : { fault };
    this.#wake?.();
  }

  /** As the client's streams do, it ends when the signal is aborted. */
  open(signal: AbortSignal | undefined): Promise<AsyncIterable<T>> {
    signal?.addEventListener('abort', () => {
      this.end();
    });
    return Promise.resolve(this);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    this.isListenedTo = true;
    try {
      for (;;) {
        for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) yield item;
        if (this.#ended !== undefined) {
          if ('fault' in this.#ended) throw this.#ended.fault;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.isListenedTo = false;
    }
  }
}

/** Lets everything go on that waits for nothing outside. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
