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

/** Rests between two questions for the sake of news, beside the time that the first one took. */
const restsPerAnswer = 4;

/**
 * Asks the engine something for the life of the scope. It is asked again when
 * the connection comes back, when `version` changes, and about something else
 * when `key` changes; then the answer before is forgotten. News come as often as
 * they like: an answer under way is waited for, and one that took long is let rest.
 */
export function useAnswer<T>(options: {
  isConnected: Ref<boolean>;
  /** What is asked about; nothing is asked while it is undefined. */
  key?: () => unknown;
  /** What makes the answer out of date. */
  version?: () => unknown;
  /** Changes when what the answer is about has gone on. */
  news?: () => unknown;
  ask: (signal: AbortSignal) => Promise<T>;
}): Answer<T> {
  const { isConnected, key = () => true, version = () => undefined, news = () => undefined, ask } = options;
  const answer: ShallowRef<T | undefined> = shallowRef();
  const fault = shallowRef<MirrorpointError>();
  const isAsking = ref(false);
  let current: AbortController | undefined;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let hasNews = false;

  function stop(): void {
    current?.abort();
    current = undefined;
    clearTimeout(rest);
    rest = undefined;
    hasNews = false;
    isAsking.value = false;
  }

  function renew(): void {
    hasNews = true;
    if (!isAsking.value && rest === undefined) void reload();
  }

  function restAfter(tookMs: number): void {
    rest = setTimeout(() => {
      rest = undefined;
      if (hasNews) void reload();
    }, tookMs * restsPerAnswer);
  }

  async function reload(): Promise<void> {
    stop();
    if (!isConnected.value || key() === undefined) return;
    const controller = new AbortController();
    current = controller;
    isAsking.value = true;
    const askedMs = performance.now();
    try {
      const found = await ask(controller.signal);
      if (current !== controller) return;
      answer.value = found;
      fault.value = undefined;
    } catch (thrown) {
      // A broken connection is shown for the whole window.
      if (current === controller && !isFault(thrown, 'link-closed')) fault.value = faultOf(thrown);
    } finally {
      if (current === controller) {
        isAsking.value = false;
        restAfter(performance.now() - askedMs);
      }
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
  watch(news, renew);
  onScopeDispose(stop);
  return { answer, fault, isAsking, reload };
}
