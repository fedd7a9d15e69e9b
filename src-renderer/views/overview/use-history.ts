import { storeToRefs } from 'pinia';
import { computed, type ComputedRef, type Ref, shallowRef, watch } from 'vue';
import type { HistorySpan, MirrorpointError, RelationshipSample, RelationshipStatus } from '../../../src-main/contract/index.ts';
import { useAnswer } from '../../composables/index.ts';
import { useConnectionStore, useServerStore } from '../../stores/index.ts';
import { cpLines, joined, lengthOf, type Lines, livePointsMax, liveSample, relationshipLines } from './history-series.ts';

/** Answers are asked for again after so long; a step of the hour is as long. */
const askAgainMs = 10_000;

interface History {
  readonly link: ComputedRef<Lines<'lagMs' | 'sentPerSecond' | 'receivedPerSecond'> | undefined>;
  readonly cps: ComputedRef<Lines<'durationMsMean' | 'durationMsMax'> | undefined>;
  /** The span itself, by the server's clock. */
  readonly shown: ComputedRef<{ readonly fromMs: number; readonly toMs: number }>;
  readonly fault: ComputedRef<MirrorpointError | undefined>;
}

/** What was measured of a relationship over a span of time: what the server stored, and from then on what it tells. */
export function useHistory(relationship: () => RelationshipStatus, span: Ref<HistorySpan>): History {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const { status } = storeToRefs(useServerStore());
  const live = shallowRef<readonly RelationshipSample[]>([]);
  /** By the server's clock, which made the samples. */
  const nowMs = computed(() => status.value?.wallMs ?? 0);

  const key = (): string => `${span.value} ${relationship().volume} ${relationship().address}`;
  const stepMs = shallowRef(askAgainMs);
  const version = (): number => Math.floor(nowMs.value / Math.max(askAgainMs, stepMs.value));

  const link = useAnswer({
    isConnected,
    key,
    version,
    ask: (signal) => {
      const { volume, address } = relationship();
      return connection.api.history.relationship({ volume, address, span: span.value }, { signal });
    },
  });
  const cps = useAnswer({
    isConnected,
    key,
    version: () => Math.floor(nowMs.value / askAgainMs),
    ask: (signal) => connection.api.history.cps({ volume: relationship().volume, span: span.value }, { signal }),
  });

  watch(link.answer, (answer) => {
    if (answer === undefined) return;
    stepMs.value = answer.stepMs;
    live.value = joined(answer.samples, live.value, answer.stepMs).slice(answer.samples.length);
  });
  watch(key, () => {
    live.value = [];
  });
  watch(status, () => {
    live.value = [...live.value, liveSample(relationship(), nowMs.value)].slice(-livePointsMax);
  });

  const shown = computed(() => ({ fromMs: nowMs.value - lengthOf(span.value), toMs: nowMs.value }));
  return {
    shown,
    link: computed(() => {
      const answer = link.answer.value;
      return answer && relationshipLines(joined(answer.samples, live.value, answer.stepMs), { fromMs: shown.value.fromMs, stepMs: answer.stepMs });
    }),
    cps: computed(() => {
      const answer = cps.answer.value;
      return answer && cpLines(answer.samples, { fromMs: shown.value.fromMs, stepMs: answer.stepMs, intervalMs: relationship().intervalMs });
    }),
    fault: computed(() => link.fault.value ?? cps.fault.value),
  };
}
