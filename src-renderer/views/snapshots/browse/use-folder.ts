import { storeToRefs } from 'pinia';
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { isFault, listPageMax, type MirrorpointError } from '../../../../src-main/contract/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import { type EntryRow, rowsOf, sortedRows, type Sorting } from './entry-row.ts';
import { folderKey, type FolderPlace } from './folder-place.ts';
import { PagedRows } from './paged-rows.ts';
import type { RowsModel } from './rows-model.ts';
import { useDeleted } from './use-deleted.ts';

export interface FolderModel {
  readonly rows: Ref<RowsModel<EntryRow>>;
  /** Rows can be put in another order: all of them are here. */
  readonly canSort: Ref<boolean>;
  readonly sorting: Ref<Sorting>;
  readonly fault: Ref<MirrorpointError | undefined>;
  readonly deleted: ReturnType<typeof useDeleted>;
  seen(from: number, to: number): void;
  /** Knows the rows to the end; stops when the signal does. */
  toEnd(signal: AbortSignal): Promise<void>;
  retry(): void;
  /** Asks for the folder again; what is shown stays until the answer. */
  reload(): void;
}

/** The entries of one folder in one state, page by page, with those that it has no more when they are wanted. */
export function useFolder(place: Ref<FolderPlace | undefined>, isShowingDeleted: Ref<boolean>): FolderModel {
  const { isConnected } = storeToRefs(useConnectionStore());
  const pages = shallowRef<PagedRows<EntryRow>>();
  const sorting = ref<Sorting>({ column: 'name', isDescending: false });
  const deleted = useDeleted(place, isShowingDeleted);
  let fresh: PagedRows<EntryRow> | undefined;

  function open({ reader, at, path }: FolderPlace): PagedRows<EntryRow> {
    return new PagedRows({
      ask: async (after, signal) => {
        const page = await reader.list({ at, path, limit: listPageMax, ...(after !== undefined && { after }) }, { signal });
        return { rows: rowsOf(path, page.entries, at), next: page.more ? page.entries.at(-1)?.name : undefined };
      },
    });
  }

  function show(next: PagedRows<EntryRow> | undefined): void {
    if (pages.value !== next) pages.value?.close();
    pages.value = next;
  }

  function begin(): void {
    fresh?.close();
    fresh = undefined;
    const wanted = place.value;
    show(wanted && open(wanted));
    void pages.value?.need(0, 1);
  }

  function reload(): void {
    const wanted = place.value;
    if (wanted === undefined) return;
    fresh?.close();
    const next = open(wanted);
    fresh = next;
    const count = pages.value?.count ?? 0;
    void next.need(0, 1).then(() => {
      if (fresh !== next || (next.fault.value !== undefined && count > 0)) return;
      fresh = undefined;
      show(next);
    });
  }

  watch(() => place.value && folderKey(place.value), begin, { immediate: true });
  // What did not come for want of a connection is asked for again; what can have changed meanwhile too.
  watch(isConnected, (connected) => {
    if (!connected) return;
    if (place.value?.at === 'live' || place.value?.at === 'last' || pages.value?.isBegun !== true) reload();
    else void pages.value.retry();
  });
  onScopeDispose(() => {
    fresh?.close();
    pages.value?.close();
  });

  const whole = computed(() => {
    const known = pages.value;
    if (known?.isComplete !== true || known.count !== known.firstPage.length) return undefined;
    return sortedRows([...known.firstPage, ...deleted.rows.value], sorting.value);
  });
  const rows = computed<RowsModel<EntryRow>>(() => {
    const known = pages.value;
    const sorted = whole.value;
    if (sorted !== undefined) return { count: sorted.length, at: (index) => sorted[index], isBegun: true, isOpenEnded: false, isCut: false, isLoading: false };
    // Too many to be put in order here: those that are gone stand before those that are there.
    const gone = deleted.rows.value;
    return {
      count: (known?.count ?? 0) + gone.length,
      at: (index) => (index < gone.length ? gone[index] : known?.at(index - gone.length)),
      isBegun: known?.isBegun === true,
      isOpenEnded: known?.isComplete !== true,
      isCut: known?.isCut === true,
      isLoading: known?.isLoading === true,
    };
  });

  return {
    rows,
    canSort: computed(() => whole.value !== undefined),
    sorting,
    // A broken connection is shown for the whole window; one to a paired server is not.
    fault: computed(() => (isConnected.value || !isFault(pages.value?.fault.value, 'link-closed') ? pages.value?.fault.value : undefined)),
    deleted,
    seen: (from, to) => {
      if (whole.value !== undefined) return;
      const before = deleted.rows.value.length;
      void pages.value?.need(Math.max(0, from - before), Math.max(0, to - before));
    },
    toEnd: async (signal) => pages.value?.needAll(signal),
    retry: () => void pages.value?.retry(),
    reload,
  };
}
