import { computed, type ComputedRef, ref, watch } from 'vue';
import type { JobStatus } from '../../../../src-main/contract/index.ts';

/** Before this much time has gone by, nothing is said of the pace. */
const leastMs = 2000;

/** How long work takes still, at the pace that it had since it began; undefined while that is not known. */
export function useTimeLeft(progress: () => JobStatus['progress'] | undefined): ComputedRef<number | undefined> {
  const begun = ref<{ atMs: number; bytes: number }>();
  watch(
    () => progress() !== undefined,
    (isRunning) => {
      begun.value = isRunning ? { atMs: performance.now(), bytes: progress()?.bytes ?? 0 } : undefined;
    },
    { immediate: true },
  );
  return computed(() => {
    const now = progress();
    if (now?.bytesTotal === undefined || begun.value === undefined) return undefined;
    return timeLeft({ doneBytes: now.bytes - begun.value.bytes, leftBytes: now.bytesTotal - now.bytes, goneMs: performance.now() - begun.value.atMs });
  });
}

export function timeLeft(work: { doneBytes: number; leftBytes: number; goneMs: number }): number | undefined {
  const { doneBytes, leftBytes, goneMs } = work;
  return goneMs < leastMs || doneBytes <= 0 ? undefined : (leftBytes * goneMs) / doneBytes;
}
