import { onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import { isFault, type MirrorpointError } from '../../src-main/contract/index.ts';
import { faultOf } from './use-action.ts';

/** How long to wait before a stream that ended or failed is opened again. */
const reopenMs = 1000;

/**
 * Listens to a stream of the engine for the life of the scope. It is opened
 * anew when the connection comes back, and when what `key` returns changes.
 */
export function useStream<T>(options: {
  isConnected: Ref<boolean>;
  /** What the stream is about; nothing is listened to while it is undefined. */
  key?: () => unknown;
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>;
  onItem: (item: T) => void;
}): { fault: Ref<MirrorpointError | undefined> } {
  const { isConnected, key = () => true, open, onItem } = options;
  const fault = shallowRef<MirrorpointError>();
  let current: AbortController | undefined;

  async function listen(controller: AbortController): Promise<void> {
    const { signal } = controller;
    const isWanted = (): boolean => !signal.aborted;
    while (isWanted()) {
      try {
        for await (const item of await open(signal)) {
          if (!isWanted()) return;
          fault.value = undefined;
          onItem(item);
        }
      } catch (thrown) {
        // A broken connection is shown for the whole window.
        if (isWanted() && !isFault(thrown, 'link-closed')) fault.value = faultOf(thrown);
      }
      await new Promise((resolve) => setTimeout(resolve, reopenMs));
    }
  }

  function stop(): void {
    current?.abort();
    current = undefined;
  }

  watch(
    [isConnected, key],
    ([connected, about]) => {
      stop();
      if (!connected || about === undefined) return;
      current = new AbortController();
      void listen(current);
    },
    { immediate: true },
  );
  onScopeDispose(stop);
  return { fault };
}
