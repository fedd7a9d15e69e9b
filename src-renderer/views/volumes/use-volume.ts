import { storeToRefs } from 'pinia';
import { computed, type ComputedRef, watch } from 'vue';
import type { ServerStatus, VolumeStatus } from '../../../src-main/contract/index.ts';
import { type Answer, useAnswer, useNow } from '../../composables/index.ts';
import { useConnectionStore, useServerStore } from '../../stores/index.ts';

/** How often details are asked for again while a volume changes. */
const refreshMs = 10_000;

/** A volume in detail, as it was at one of its last CPs. */
export function useVolume(name: () => string): Answer<VolumeStatus> & { summary: ComputedRef<ServerStatus['volumes'][number] | undefined> } {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const { volumes } = storeToRefs(useServerStore());
  const summary = computed(() => volumes.value.find((one) => one.name === name()));
  const asked = useAnswer({
    isConnected,
    key: name,
    version: () => [summary.value?.state, summary.value?.role, summary.value?.devices.join(), summary.value?.cpIntervalMs].join(),
    ask: () => connection.api.volumes.inspect({ volume: name() }),
  });
  watch(useNow(refreshMs), () => {
    if (summary.value?.cp !== asked.answer.value?.cp) void asked.reload();
  });
  return { ...asked, summary };
}
