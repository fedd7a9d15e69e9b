import { storeToRefs } from 'pinia';
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { type CollisionChoice, isFault, type JobStatus, MirrorpointError } from '../../../../src-main/contract/index.ts';
import { faultOf, plural, useAnnouncer } from '../../../composables/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import type { InTheWay } from '../restore/collision-rows.ts';
import type { LookAt } from './incoming-plan.ts';
import type { IncomingTree } from './incoming-tree.ts';
import type { LocalItem } from './put-paths.ts';
import { keepBefore, type IncomingWork, workWithItems, workWithTree } from './incoming-work.ts';
import type { LeftOut } from './send-files.ts';

/** Problems that are shown one by one. */
const leftOutMax = 100;

/** What comes in from the desktop: either what a browser reads, or what the machine has at a path. */
export type Incoming = { readonly kind: 'tree'; readonly tree: (signal: AbortSignal) => Promise<IncomingTree> } | { readonly kind: 'items'; readonly items: readonly LocalItem[] };

export interface IncomingState {
  readonly folder: string;
  readonly phase: 'looking' | 'asking' | 'sending' | 'done' | 'failed' | 'cancelled';
  readonly progress: JobStatus['progress'];
  readonly outcome: string;
  readonly leftOutCount: number;
  readonly leftOut: readonly LeftOut[];
}

export interface IncomingFlow {
  readonly state: Ref<IncomingState | undefined>;
  readonly question: Ref<readonly InTheWay[] | undefined>;
  readonly fault: Ref<MirrorpointError | undefined>;
  /** Brings things into a folder of the volume. One after the other: another one is refused meanwhile. */
  add(incoming: Incoming, to: { volume: string; folder: string }): Promise<void>;
  answer(all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): void;
  cancel(): void;
  dismiss(): void;
}

/** Files and folders of the desktop on their way into the live volume. `onChanged` hears when something may have arrived. */
export function useIncoming(onChanged: () => void): IncomingFlow {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const { announce } = useAnnouncer();
  const state = shallowRef<IncomingState>();
  const question = shallowRef<readonly InTheWay[]>();
  const fault = shallowRef<MirrorpointError>();
  const isBusy = ref(false);
  let controller = new AbortController();
  let line = 0;
  watch(isConnected, () => { line++; }, { flush: 'sync' });
  let answered: ((answer: { all: CollisionChoice; choices: ReadonlyMap<string, CollisionChoice> } | undefined) => void) | undefined;

  function become(change: Partial<IncomingState>): void {
    if (state.value !== undefined) state.value = { ...state.value, ...change };
  }

  function connected(): Promise<void> {
    const { signal } = controller;
    return new Promise((resolve, reject) => {
      const stop = watch(isConnected, (is) => { if (is) end(resolve); }, { flush: 'sync' });
      const onAbort = (): void => { end(() => { reject(new MirrorpointError('cancelled', 'It was cancelled.')); }); };
      const end = (then: () => void): void => {
        stop();
        signal.removeEventListener('abort', onAbort);
        then();
      };
      signal.addEventListener('abort', onAbort);
      if (isConnected.value) end(resolve);
    });
  }

  /** The answer of a person, where something is in the way. */
  async function ask(inTheWay: readonly InTheWay[]): Promise<{ all: CollisionChoice; choices: ReadonlyMap<string, CollisionChoice> } | undefined> {
    if (inTheWay.length === 0) return { all: 'keep-both', choices: new Map() };
    become({ phase: 'asking' });
    question.value = inTheWay;
    const answer = await new Promise<Awaited<ReturnType<typeof ask>>>((resolve) => {
      answered = resolve;
    });
    question.value = undefined;
    return answer;
  }

  function watchOf(work: { sent: number; skipped: number }): IncomingWork['watch'] {
    let toldAt = 0;
    return {
      signal: controller.signal,
      connected,
      line: () => line,
      onBytes: (bytes, current) => {
        const { progress } = state.value!;
        become({ progress: { ...progress, bytes: progress.bytes + bytes, current } });
        const quarter = Math.floor((4 * (progress.bytes + bytes)) / Math.max(1, progress.bytesTotal ?? Infinity));
        if (quarter > toldAt && quarter < 4) announce(`${quarter * 25} percent added.`);
        toldAt = Math.max(toldAt, quarter);
      },
      onFile: (result) => {
        work[result]++;
        const { progress } = state.value!;
        become({ progress: { ...progress, files: progress.files + 1 } });
      },
      onLeftOut: (left) => {
        const { leftOut, leftOutCount } = state.value!;
        become({ leftOut: leftOut.length < leftOutMax ? [...leftOut, left] : leftOut, leftOutCount: leftOutCount + 1 });
      },
      onProgress: (progress) => { become({ progress }); },
    };
  }

  async function run(incoming: Incoming, to: { volume: string; folder: string }): Promise<void> {
    const lookAt: LookAt = async (path) => {
      try {
        return await connection.api.files.stat({ volume: to.volume, at: 'live', path }, { signal: controller.signal });
      } catch (thrown) {
        if (isFault(thrown, 'not-found')) return undefined;
        throw thrown;
      }
    };
    const counts = { sent: 0, skipped: 0 };
    const base = { api: connection.api, lookAt, ...to };
    const prepared = incoming.kind === 'tree' ? await workWithTree(await incoming.tree(controller.signal), base) : await workWithItems(incoming.items, base);
    become({ progress: { files: 0, bytes: 0, ...prepared.total } });
    const answer = await ask(prepared.inTheWay);
    if (answer === undefined) throw new MirrorpointError('cancelled', 'Nothing was added.');
    become({ phase: 'sending' });
    announce(`Adding to ${to.folder} has begun.`);
    const remark = await keepBefore(prepared.inTheWay, answer, base);
    await prepared.begin(answer, watchOf(counts));
    const { leftOutCount } = state.value!;
    const parts = [
      ...(counts.sent > 0 || counts.skipped === 0 ? [`Added ${plural(counts.sent, 'file')} to ${to.volume}:${to.folder}.`] : []),
      ...(counts.skipped > 0 ? [`${plural(counts.skipped, 'file')} skipped.`] : []),
      ...(leftOutCount > 0 ? [`${plural(leftOutCount, 'file')} could not be added.`] : []),
      ...(remark === undefined ? [] : [remark]),
    ];
    become({ phase: 'done', outcome: parts.join(' ') });
  }

  async function add(incoming: Incoming, to: { volume: string; folder: string }): Promise<void> {
    if (isBusy.value) {
      fault.value = new MirrorpointError('argument-invalid', 'Files are being added already. Wait until they are in, or cancel that first; nothing of this was taken.');
      return;
    }
    isBusy.value = true;
    fault.value = undefined;
    controller = new AbortController();
    state.value = { folder: to.folder, phase: 'looking', progress: { files: 0, bytes: 0 }, outcome: '', leftOutCount: 0, leftOut: [] };
    try {
      await run(incoming, to);
    } catch (thrown) {
      if (isFault(thrown, 'cancelled')) become({ phase: 'cancelled', outcome: 'Cancelled. Files that were whole by then stay; none is there in part.' });
      else {
        fault.value = faultOf(thrown);
        become({ phase: 'failed', outcome: '' });
      }
    } finally {
      isBusy.value = false;
      announce(state.value.outcome);
      onChanged();
    }
  }

  function cancel(): void {
    controller.abort();
    answered?.(undefined);
  }

  onScopeDispose(cancel);

  return {
    state,
    question,
    fault,
    add,
    answer: (all, choices) => answered?.({ all, choices }),
    cancel,
    dismiss: () => {
      if (!isBusy.value) state.value = undefined;
      fault.value = undefined;
    },
  };
}
