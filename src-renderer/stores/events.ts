import { defineStore, storeToRefs } from 'pinia';
import { shallowRef } from 'vue';
import type { ServerEvent } from '../../src-main/contract/index.ts';
import { useStream } from '../composables/index.ts';
import { useConnectionStore } from './connection.ts';

/** Events that the window keeps; older ones are asked for when they are wanted. */
const keptMax = 2000;

const backlog = 200;

/** What happened on the server, the newest first. */
export const useEventsStore = defineStore('events', () => {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const events = shallowRef<readonly ServerEvent[]>([]);

  const { fault } = useStream({
    isConnected,
    open: (signal) => connection.api.events.watch({ intervalMs: 500, backlog }, { signal }),
    onItem: (news) => {
      const known = events.value[0]?.id ?? 0;
      const fresh = news.events.filter(({ id }) => id > known).reverse();
      if (fresh.length > 0) events.value = [...fresh, ...events.value].slice(0, keptMax);
    },
  });

  return { events, fault };
});
