import type { RelationshipStatus } from '../contract/index.ts';
import type { Engine } from './engine.ts';

/** Even without a change, so that lag in seconds is seen to grow. */
const quietIntervalMs = 5000;

/** The relationships now, and again when they may have changed, until the caller stops listening. */
export async function* watchRelationships(
  engine: Engine,
  options: { intervalMs: number; signal: AbortSignal | undefined },
): AsyncGenerator<{ relationships: RelationshipStatus[] }, void, void> {
  const { intervalMs, signal } = options;
  const { clock } = engine.ports;
  const news = { hasCome: false };
  const hasNews = (): boolean => news.hasCome;
  let wake: (() => void) | undefined;
  const stopListening = engine.onChange(() => {
    news.hasCome = true;
    wake?.();
  });
  const abort = (): void => wake?.();
  signal?.addEventListener('abort', abort);
  const wait = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.setTimer(delayMs, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  try {
    while (signal?.aborted !== true) {
      news.hasCome = false;
      yield { relationships: engine.relationshipStatuses() };
      const shownMs = clock.monotonicMs();
      await wait(quietIntervalMs);
      const restMs = intervalMs - (clock.monotonicMs() - shownMs);
      wake = undefined;
      if (hasNews() && restMs > 0) await new Promise<void>((resolve) => void clock.setTimer(restMs, resolve));
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    stopListening();
  }
}
