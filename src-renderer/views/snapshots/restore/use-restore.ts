import { ref, type Ref, shallowRef } from 'vue';
import type { Collision, CollisionChoice, MirrorpointError, RestorePreview, RestoreSource, RestoreTarget } from '../../../../src-main/contract/index.ts';
import { faultOf, useAnnouncer } from '../../../composables/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import { itemsInWords, sourcesOf, type TakenItems, targetInWords } from './taken-items.ts';

/** One request to the server, and what it would do. */
interface Looked {
  readonly source: RestoreSource;
  readonly preview: RestorePreview;
}

/** A restore that meets what is there already, and waits for an answer. */
export interface RestoreQuestion {
  readonly items: TakenItems;
  readonly target: RestoreTarget;
  readonly looked: readonly Looked[];
  readonly collisions: readonly Collision[];
  /** Not everything was looked at. */
  readonly isPart: boolean;
  readonly bytes: number;
  readonly freeBytes: number;
}

export interface RestoreFlow {
  readonly question: Ref<RestoreQuestion | undefined>;
  /** What is there already is being looked at. */
  readonly isLooking: Ref<boolean>;
  readonly isStarting: Ref<boolean>;
  readonly fault: Ref<MirrorpointError | undefined>;
  /** Jobs that were begun here, the newest last. */
  readonly begun: Ref<readonly string[]>;
  /** Looks at what would happen; begins at once where nothing is in the way, and asks otherwise. */
  restore(items: TakenItems, target: RestoreTarget): Promise<void>;
  answer(all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): Promise<void>;
  cancel(): void;
  forget(jobId: string): void;
}

/** Puts files of any state into a volume or a folder: preview, question, job. */
export function useRestore(): RestoreFlow {
  const connection = useConnectionStore();
  const { announce } = useAnnouncer();
  const question = shallowRef<RestoreQuestion>();
  const isLooking = ref(false);
  const isStarting = ref(false);
  const fault = shallowRef<MirrorpointError>();
  const begun = shallowRef<readonly string[]>([]);
  let controller = new AbortController();

  async function look(items: TakenItems, target: RestoreTarget, signal: AbortSignal): Promise<RestoreQuestion> {
    const looked: Looked[] = [];
    for (const source of sourcesOf(items)) looked.push({ source, preview: await connection.api.restore.preview({ source, target }, { signal }) });
    return {
      items,
      target,
      looked,
      collisions: looked.flatMap(({ preview }) => preview.collisions),
      isPart: looked.some(({ preview }) => preview.isPart),
      bytes: looked.reduce((sum, { preview }) => sum + preview.bytes, 0),
      freeBytes: Math.min(...looked.map(({ preview }) => preview.freeBytes)),
    };
  }

  async function begin(asked: RestoreQuestion, all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): Promise<void> {
    for (const { source, preview } of asked.looked) {
      const own = preview.collisions.flatMap(({ path }) => {
        const choice = choices.get(path);
        return choice === undefined || choice === all ? [] : [{ path, choice }];
      });
      const { jobId } = await connection.api.restore.start({ source, target: asked.target, collisions: all, choices: own });
      begun.value = [...begun.value, jobId];
    }
    announce(`Restoring ${itemsInWords(asked.items)} to ${targetInWords(asked.target)} has begun.`);
  }

  async function restore(items: TakenItems, target: RestoreTarget): Promise<void> {
    cancel();
    controller = new AbortController();
    const { signal } = controller;
    fault.value = undefined;
    isLooking.value = true;
    try {
      const asked = await look(items, target, signal);
      if (signal.aborted) return;
      if (asked.collisions.length > 0 || asked.isPart || asked.bytes > asked.freeBytes) question.value = asked;
      // What appears there in the meantime is kept as well.
      else await begin(asked, 'keep-both', new Map());
    } catch (thrown) {
      if (!signal.aborted) fault.value = faultOf(thrown);
    } finally {
      if (!signal.aborted) isLooking.value = false;
    }
  }

  async function answer(all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): Promise<void> {
    const asked = question.value;
    if (asked === undefined || isStarting.value) return;
    isStarting.value = true;
    fault.value = undefined;
    try {
      await begin(asked, all, choices);
      question.value = undefined;
    } catch (thrown) {
      fault.value = faultOf(thrown);
    } finally {
      isStarting.value = false;
    }
  }

  function cancel(): void {
    controller.abort();
    isLooking.value = false;
    question.value = undefined;
  }

  function forget(jobId: string): void {
    begun.value = begun.value.filter((one) => one !== jobId);
  }

  return { question, isLooking, isStarting, fault, begun, restore, answer, cancel, forget };
}
