import { computed, type ComputedRef, ref, type Ref, watch } from 'vue';

/** A list of which one page is shown. */
export interface Pages<T> {
  readonly shown: ComputedRef<readonly T[]>;
  /** Counted from 0. */
  readonly page: Ref<number>;
  readonly pageCount: ComputedRef<number>;
}

/** Shows a list that is at hand page by page; it stays on a page that there is. */
export function usePages<T>(items: () => readonly T[], pageSize: number): Pages<T> {
  const page = ref(0);
  const pageCount = computed(() => Math.max(1, Math.ceil(items().length / pageSize)));
  watch(pageCount, (count) => {
    page.value = Math.min(page.value, count - 1);
  });
  return { page, pageCount, shown: computed(() => items().slice(page.value * pageSize, (page.value + 1) * pageSize)) };
}

/** A list of the engine's that is asked for page by page, each behind the last entry of the one before. */
export interface CursorPages {
  /** Behind which entry the page begins; undefined for the first. */
  readonly after: ComputedRef<number | undefined>;
  /** Counted from 0. */
  readonly page: ComputedRef<number>;
  next(last: number): void;
  previous(): void;
  first(): void;
}

export function useCursorPages(): CursorPages {
  const cursors = ref<number[]>([]);
  return {
    after: computed(() => cursors.value.at(-1)),
    page: computed(() => cursors.value.length),
    next(last) {
      cursors.value.push(last);
    },
    previous() {
      cursors.value.pop();
    },
    first() {
      cursors.value = [];
    },
  };
}
