import { storeToRefs } from 'pinia';
import { computed, type ComputedRef, type Ref, shallowRef } from 'vue';
import { eventPageMax, type ServerEvent } from '../../../src-main/contract/index.ts';
import { type Action, useAction } from '../../composables/index.ts';
import { useConnectionStore, useEventsStore } from '../../stores/index.ts';
import { type EventFilter, isLookedFor } from './event-filter.ts';

/** Older events are asked for in parts of so many. */
const partSize = 500;

interface Events {
  /** All that were told so far, the newest first. */
  readonly all: ComputedRef<readonly ServerEvent[]>;
  readonly lookedFor: ComputedRef<readonly ServerEvent[]>;
  /** The server has older ones, as far as is known. */
  readonly hasOlder: ComputedRef<boolean>;
  /** Goes back until so many more are found, or there are no older ones. */
  readonly older: Action<[count: number]>;
}

/** The events that are looked for: those that come, and older ones when they are asked for. */
export function useEvents(filter: Ref<EventFilter>): Events {
  const connection = useConnectionStore();
  const { events } = storeToRefs(useEventsStore());
  const old = shallowRef<readonly ServerEvent[]>([]);
  const isAtStart = shallowRef(false);

  const all = computed(() => {
    const oldestLive = events.value.at(-1)?.id ?? Infinity;
    return [...events.value, ...old.value.filter(({ id }) => id < oldestLive)];
  });
  const lookedFor = computed(() => all.value.filter((event) => isLookedFor(event, filter.value)));

  async function goBack(): Promise<void> {
    const oldest = all.value.at(-1)?.id ?? 1;
    const limit = Math.min(partSize, oldest - 1, eventPageMax);
    if (limit === 0) {
      isAtStart.value = true;
      return;
    }
    const { events: part } = await connection.api.events.list({ after: oldest - 1 - limit, limit });
    const fresh = part.filter(({ id }) => id < oldest).reverse();
    // What the server has forgotten has gaps at its old end alone.
    isAtStart.value = fresh.length < limit;
    old.value = [...all.value.filter(({ id }) => id >= oldest), ...fresh];
  }

  const older = useAction(async (count: number) => {
    const wanted = lookedFor.value.length + count;
    while (!isAtStart.value && lookedFor.value.length < wanted) await goBack();
  });

  const hasOlder = computed(() => !isAtStart.value && (all.value.at(-1)?.id ?? 1) > 1);
  return { all, lookedFor, hasOlder, older };
}
