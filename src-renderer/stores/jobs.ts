import { defineStore, storeToRefs } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { JobStatus } from '../../src-main/contract/index.ts';
import { useStream } from '../composables/index.ts';
import { useConnectionStore } from './connection.ts';

/** Long work of the server: what runs, and what ended last. */
export const useJobsStore = defineStore('jobs', () => {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const jobs = shallowRef<readonly JobStatus[]>([]);

  const { fault } = useStream({
    isConnected,
    open: (signal) => connection.api.jobs.watch({ intervalMs: 500 }, { signal }),
    onItem: (now) => {
      jobs.value = now.jobs;
    },
  });

  const running = computed(() => jobs.value.filter(({ state }) => state === 'running'));
  const jobOf = (jobId: string): JobStatus | undefined => jobs.value.find((one) => one.jobId === jobId);
  const cancel = (jobId: string): Promise<JobStatus> => connection.api.jobs.cancel({ jobId });

  return { jobs, running, jobOf, cancel, fault };
});
