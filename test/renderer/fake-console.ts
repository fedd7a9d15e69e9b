import { createPinia, setActivePinia } from 'pinia';
import { type EffectScope, effectScope } from 'vue';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { useConnectionStore } from '../../src-renderer/stores/index.ts';

/** A stream that a test feeds. */
export class FedStream<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #wake: (() => void) | undefined;

  feed(item: T): void {
    this.#waiting.push(item);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) yield item;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** What a test answers in the place of a server, as far as it is asked. */
type Answers = { readonly [Group in keyof MirrorpointClient]?: object };

/** Runs something of the console that asks `answers`, with stores of its own; the scope is the caller's to stop. */
export function inConsole<T>(answers: Answers, run: () => T): { result: T; scope: EffectScope } {
  setActivePinia(createPinia());
  const scope = effectScope();
  const result = scope.run(() => {
    useConnectionStore().attach({
      host: { kind: 'browser', desktop: undefined, download: undefined },
      api: answers as unknown as MirrorpointClient,
      state: 'open',
      onState: () => () => undefined,
      retry: () => undefined,
      close: () => undefined,
    });
    return run();
  });
  return { result: result as T, scope };
}
