import { storeToRefs } from 'pinia';
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { foundPageMax, type MirrorpointError } from '../../../../src-main/contract/index.ts';
import { faultOf } from '../../../composables/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import { deletedRowOf, type EntryRow } from './entry-row.ts';
import { folderKey, type FolderPlace } from './folder-place.ts';

/** Entries of older states that are shown in one folder. */
const deletedMax = 5000;

/** What a folder had in older states and has no more, found step by step while it is wanted. */
export function useDeleted(
  place: Ref<FolderPlace | undefined>,
  isWanted: Ref<boolean>,
): {
  rows: Ref<readonly EntryRow[]>;
  isLooking: Ref<boolean>;
  isCut: Ref<boolean>;
  fault: Ref<MirrorpointError | undefined>;
  stop(): void;
} {
  const { isConnected } = storeToRefs(useConnectionStore());
  const rows = shallowRef<readonly EntryRow[]>([]);
  const isLooking = ref(false);
  const isCut = ref(false);
  const fault = shallowRef<MirrorpointError>();
  let controller = new AbortController();

  function stop(): void {
    controller.abort();
    isLooking.value = false;
  }

  async function look({ reader, at, path }: FolderPlace, signal: AbortSignal): Promise<void> {
    isLooking.value = true;
    try {
      const known = new Set<string>();
      for (let after: string | undefined, more = true; more; ) {
        const page = await reader.deleted({ at, path, limit: foundPageMax, ...(after !== undefined && { after }) }, { signal });
        if (signal.aborted) return;
        // One that came and went several times is shown as it was last.
        const fresh = page.entries.filter(({ entry }) => !known.has(entry.name));
        for (const { entry } of fresh) known.add(entry.name);
        if (fresh.length > 0) rows.value = [...rows.value, ...fresh.map((entry) => deletedRowOf(path, entry))].slice(0, deletedMax);
        isCut.value = rows.value.length === deletedMax && page.next !== undefined;
        after = page.next;
        more = after !== undefined && !isCut.value;
      }
    } catch (thrown) {
      // A broken connection is shown for the whole window.
      if (!signal.aborted && isConnected.value) fault.value = faultOf(thrown);
    } finally {
      if (!signal.aborted) isLooking.value = false;
    }
  }

  watch(
    [() => place.value && folderKey(place.value), isWanted, isConnected],
    () => {
      stop();
      rows.value = [];
      isCut.value = false;
      fault.value = undefined;
      if (place.value === undefined || !isWanted.value || !isConnected.value) return;
      controller = new AbortController();
      void look(place.value, controller.signal);
    },
    { immediate: true },
  );
  onScopeDispose(stop);

  return { rows, isLooking, isCut, fault, stop };
}
