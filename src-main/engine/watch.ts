import type { Clock } from '../base/index.ts';

/**
 * What `look` sees, now and whenever it may have changed, at most once per
 * interval, until the caller stops listening. Nothing waits in between: who
 * takes it slowly sees the newest next. With `quietMs` it looks that often even
 * without a change; what `look` leaves undefined is not told.
 */
export async function* watch<T>(
  clock: Clock,
  options: {
    readonly look: () => T | undefined;
    /** Calls the listener when there may be news; the result ends that. */
    readonly onNews: (listener: () => void) => () => void;
    readonly intervalMs: number;
    readonly quietMs?: number;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<T, void, void> {
  const { look, intervalMs, quietMs, signal } = options;
  const news = { hasCome: false };
  let wake: () => void = () => undefined;
  const stopListening = options.onNews(() => {
    news.hasCome = true;
    wake();
  });
  const abort = (): void => {
    wake();
  };
  signal?.addEventListener('abort', abort);
  /** Waits for news, or for the time to be over. */
  const wait = async (delayMs: number | undefined, isWoken: () => boolean): Promise<void> => {
    if (isWoken()) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancel = delayMs === undefined ? undefined : clock.setTimer(delayMs, () => {
      resolve(undefined);
    });
    wake = () => {
      if (isWoken()) resolve(undefined);
    };
    await promise;
    wake = () => undefined;
    cancel?.();
  };
  const isAborted = (): boolean => signal?.aborted === true;
  try {
    while (!isAborted()) {
      news.hasCome = false;
      const seen = look();
      if (seen !== undefined) yield seen;
      await wait(intervalMs, isAborted);
      await wait(quietMs === undefined ? undefined : Math.max(0, quietMs - intervalMs), () => isAborted() || news.hasCome);
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    stopListening();
  }
}
