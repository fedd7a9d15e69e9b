import { defineStore } from 'pinia';
import { ref, type Ref, shallowReactive, type ShallowRef, shallowRef } from 'vue';
import { isFault, type JobProgress, type MirrorpointError } from '../../src-main/contract/index.ts';
import { faultOf } from '../composables/index.ts';

/** Any event of long work; its last one says what came of it. */
interface RunEvent {
  readonly type: string;
}

/** Long work that this window listens to: it ends when the window is closed, and not when another screen is shown. */
export interface Run<Event extends RunEvent = RunEvent> {
  readonly key: string;
  readonly isRunning: Ref<boolean>;
  readonly progress: ShallowRef<JobProgress | undefined>;
  /** The events that are no progress, the oldest first. */
  readonly events: ShallowRef<readonly Event[]>;
  readonly fault: ShallowRef<MirrorpointError | undefined>;
  /** Stops listening, which stops the work. */
  cancel(): void;
}

/** Events of one run that are kept. */
const eventsMax = 200;

async function listen<Event extends RunEvent>(run: Run<Event>, open: (signal: AbortSignal) => Promise<AsyncIterable<Event>>, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of await open(signal)) {
      if (event.type === 'progress') run.progress.value = event as unknown as JobProgress;
      else run.events.value = [...run.events.value, event].slice(-eventsMax);
    }
  } catch (thrown) {
    if (!signal.aborted && !isFault(thrown, 'cancelled')) run.fault.value = faultOf(thrown);
  } finally {
    run.isRunning.value = false;
  }
}

/** The long work that was begun in this window, by what it is about. */
export const useRunsStore = defineStore('runs', () => {
  const runs = shallowReactive(new Map<string, Run>());

  /** Begins work, in the place of what was begun before under the key. The caller sees to it that that has ended. */
  function start<Event extends RunEvent>(key: string, open: (signal: AbortSignal) => Promise<AsyncIterable<Event>>): Run<Event> {
    const controller = new AbortController();
    const run: Run<Event> = {
      key,
      isRunning: ref(true),
      progress: shallowRef(),
      events: shallowRef([]),
      fault: shallowRef(),
      cancel: () => {
        controller.abort();
      },
    };
    runs.set(key, run);
    void listen(run, open, controller.signal);
    return run;
  }

  const of = (key: string): Run | undefined => runs.get(key);

  /** Forgets what came of ended work. */
  function forget(key: string): void {
    if (runs.get(key)?.isRunning.value !== true) runs.delete(key);
  }

  return { start, of, forget };
});
