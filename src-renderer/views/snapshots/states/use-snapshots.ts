import { storeToRefs } from 'pinia';
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { listPageMax, type MirrorpointError, type Snapshot } from '../../../../src-main/contract/index.ts';
import { faultOf } from '../../../composables/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import type { VolumeReader } from '../volume-reader.ts';

/** Snapshots that are kept in the window; beyond it the oldest are left out. */
const snapshotsMax = 20_000;

/** How soon the list is asked for again when the volume goes on. */
const renewMs = 5000;

/** How soon a long list is asked for from its beginning, which tells what is gone. */
const renewWholeMs = 60_000;

export interface SnapshotList {
  /** In the order of their CPs. */
  readonly snapshots: Ref<readonly Snapshot[]>;
  /** The whole list has come. */
  readonly isComplete: Ref<boolean>;
  /** Older ones are left out. */
  readonly isCut: Ref<boolean>;
  readonly fault: Ref<MirrorpointError | undefined>;
  refresh(): Promise<void>;
  dismiss(): void;
}

/** The snapshots of a volume, asked for again when it has a newer CP. */
export function useSnapshots(reader: Ref<VolumeReader | undefined>, newestCp: Ref<number | undefined>): SnapshotList {
  const { isConnected } = storeToRefs(useConnectionStore());
  const snapshots = shallowRef<readonly Snapshot[]>([]);
  const isComplete = ref(false);
  const isCut = ref(false);
  const fault = shallowRef<MirrorpointError>();
  let controller = new AbortController();
  let wholeAt = 0;

  /** Asks for the pages behind a CP, and joins them to those that are known. */
  async function load(from: VolumeReader, known: readonly Snapshot[]): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    let rows = [...known];
    try {
      for (let more = true; more; ) {
        const after = rows.at(-1)?.cp;
        const page = await from.snapshots({ limit: listPageMax, ...(after !== undefined && { after }) }, { signal });
        if (signal.aborted) return;
        rows = [...rows, ...page.snapshots].slice(-snapshotsMax);
        isCut.value ||= rows.length === snapshotsMax && page.more;
        more = page.more && page.snapshots.length > 0;
        if (!isComplete.value) snapshots.value = rows;
      }
      snapshots.value = rows;
      isComplete.value = true;
      fault.value = undefined;
    } catch (thrown) {
      // A broken connection is shown for the whole window.
      if (!signal.aborted && isConnected.value) fault.value = faultOf(thrown);
    }
  }

  async function refresh(): Promise<void> {
    const from = reader.value;
    if (from === undefined || !isConnected.value) return;
    wholeAt = Date.now();
    isCut.value = false;
    await load(from, []);
  }

  watch(
    () => reader.value?.key,
    () => {
      snapshots.value = [];
      isComplete.value = false;
      fault.value = undefined;
      void refresh();
    },
    { immediate: true },
  );
  watch(isConnected, () => void refresh());

  let seenCp: number | undefined;
  const timer = setInterval(() => {
    const from = reader.value;
    if (from === undefined || !isConnected.value || !isComplete.value || newestCp.value === seenCp) return;
    seenCp = newestCp.value;
    const isShort = snapshots.value.length <= listPageMax;
    if (isShort || Date.now() - wholeAt > renewWholeMs) void refresh();
    else void load(from, snapshots.value);
  }, renewMs);
  onScopeDispose(() => {
    clearInterval(timer);
    controller.abort();
  });

  return {
    snapshots,
    isComplete,
    isCut,
    fault,
    refresh,
    dismiss: () => {
      fault.value = undefined;
    },
  };
}
