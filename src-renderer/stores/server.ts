import { defineStore, storeToRefs } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { RelationshipStatus, ServerStatus, Verdict } from '../../src-main/contract/index.ts';
import { useStream } from '../composables/index.ts';
import { useConnectionStore } from './connection.ts';

const levels: readonly Verdict['level'][] = ['good', 'working', 'attention', 'problem'];

/** The worst of some levels; nothing to judge is in order. */
export function worstLevel(all: readonly Verdict['level'][]): Verdict['level'] {
  return levels[Math.max(0, ...all.map((level) => levels.indexOf(level)))] ?? 'good';
}

/** The server as it is now: its volumes, relationships and alerts. */
export const useServerStore = defineStore('server', () => {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const status = shallowRef<ServerStatus>();
  /** What the server's clock is ahead of this machine's. */
  const clockAheadMs = shallowRef(0);

  const { fault } = useStream({
    isConnected,
    open: (signal) => connection.api.server.watch({ intervalMs: 1000 }, { signal }),
    onItem: (now) => {
      status.value = now;
      clockAheadMs.value = now.wallMs - Date.now();
    },
  });

  const volumes = computed(() => status.value?.volumes ?? []);
  const relationships = computed<readonly RelationshipStatus[]>(() => status.value?.relationships ?? []);
  const alerts = computed(() => status.value?.alerts ?? []);
  const relationshipsOf = (volume: string): RelationshipStatus[] => relationships.value.filter((one) => one.volume === volume);
  const level = computed(() =>
    worstLevel([
      ...relationships.value.map(({ verdict }) => verdict.level),
      ...alerts.value.map((alert) => (alert.level === 'problem' ? 'problem' : 'attention')),
      // A volume that is mirrored nowhere is not in order.
      ...volumes.value.map(({ name, state, cloneOf }) => (state === 'failed' ? 'problem' : relationshipsOf(name).length === 0 && cloneOf === undefined ? 'attention' : 'good')),
    ]),
  );

  return { status, volumes, relationships, alerts, level, relationshipsOf, clockAheadMs, fault };
});
