import { onScopeDispose, type Ref, ref, type ShallowRef, shallowRef, watch } from 'vue';
import { isFault, type MirrorpointError } from '../../src-main/contract/index.ts';
import { faultOf } from './use-action.ts';

/** What the engine answered to a question last. */
export interface Answer<T> {
  /** Undefined until there is one about the present subject. */
  readonly answer: ShallowRef<T | undefined>;
  readonly fault: ShallowRef<MirrorpointError | undefined>;
  readonly isAsking: Ref<boolean>;
  /** Asks again; what was answered before is shown until then. */
  reload(): Promise<void>;
}

/**
 * Asks the engine something for the life of the scope. It is asked again when
 * the connection comes back, when `version` changes, and about something else
 * when `key` changes; then the answer before is forgotten.
 */
export function useAnswer<T>(options: {
  isConnected: Ref<boolean>;
  /** What is asked about; nothing is asked while it is undefined. */
  key?: () => unknown;
  /** What makes the answer out of date. */
  version?: () => unknown;
  ask: (signal: AbortSignal) => Promise<T>;
}): Answer<T> {
  const { isConnected, key = () => true, version = () => undefined, ask } = options;
  const answer: ShallowRef<T | undefined> = shallowRef();
  const fault = shallowRef<MirrorpointError>();
  const isAsking = ref(false);
  let current: AbortController | undefined;

  function stop(): void {
    current?.abort();
    current = undefined;
    isAsking.value = false;
  }

  async function reload(): Promise<void> {
    stop();
    if (!isConnected.value || key() === undefined) return;
    const controller = new AbortController();
    current = controller;
    isAsking.value = true;
    try {
      const news = await ask(controller.signal);
      if (current !== controller) return;
      answer.value = news;
      fault.value = undefined;
    } catch (thrown) {
      // A broken connection is shown for the whole window.
      if (current === controller && !isFault(thrown, 'link-closed')) fault.value = faultOf(thrown);
    } finally {
      if (current === controller) isAsking.value = false;
    }
  }

  watch(
    key,
    () => {
      answer.value = undefined;
      fault.value = undefined;
    },
    { flush: 'sync' },
  );
  watch([isConnected, key, version], () => void reload(), { immediate: true });
  onScopeDispose(stop);
  return { answer, fault, isAsking, reload };
}
