import { computed, nextTick, onBeforeUnmount, onMounted, type Ref, ref } from 'vue';
import { type RowRange, scrollTopFor, shownRows } from './window-range.ts';

/** The window over a long list. */
export interface RowWindow {
  /** The rows that are seen, and a few beyond. */
  readonly shown: Ref<RowRange>;
  /** The rows to have in the page: those that are seen, a few beyond, and the one of the keyboard wherever it is. */
  readonly indices: Ref<readonly number[]>;
  /** Rows that a key for a page goes on by. */
  readonly pageRows: Ref<number>;
  onScroll(): void;
  /** Scrolls as little as needed, and gives the row the focus where that is wanted. */
  show(index: number, options?: { focus: boolean }): Promise<void>;
  toTop(): void;
}

/** Keeps a scrolled list to the rows that are seen. Its rows are absolutely placed, and have their index as `data-row`. */
export function useRowWindow(options: {
  view: Readonly<Ref<HTMLElement | null>>;
  rowHeight: number;
  rowCount: () => number;
  active: () => number;
  /** Of what stays above the rows. */
  headHeight?: number;
}): RowWindow {
  const { view, rowHeight, rowCount, active, headHeight = 0 } = options;
  const scrollTop = ref(0);
  const height = ref(400);

  const shown = computed(() => shownRows({ scrollTop: scrollTop.value, height: height.value, rowHeight, rowCount: rowCount() }));
  const indices = computed(() => {
    const { from, to } = shown.value;
    const list = Array.from({ length: to - from }, (_, offset) => from + offset);
    const kept = active();
    if (kept < 0 || kept >= rowCount() || (kept >= from && kept < to)) return list;
    return kept < from ? [kept, ...list] : [...list, kept];
  });

  const observer = new ResizeObserver(() => {
    height.value = Math.max(0, (view.value?.clientHeight ?? 0) - headHeight);
  });
  onMounted(() => {
    if (view.value !== null) observer.observe(view.value);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
  });

  function scrollTo(top: number): void {
    if (view.value !== null) view.value.scrollTop = top;
    scrollTop.value = view.value?.scrollTop ?? 0;
  }

  return {
    shown,
    indices,
    pageRows: computed(() => Math.max(1, Math.floor(height.value / rowHeight) - 1)),
    onScroll: () => {
      scrollTop.value = view.value?.scrollTop ?? 0;
    },
    async show(index, { focus } = { focus: true }) {
      await nextTick();
      scrollTo(scrollTopFor(index, { scrollTop: view.value?.scrollTop ?? 0, height: height.value, rowHeight }));
      await nextTick();
      if (focus) view.value?.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus({ preventScroll: true });
    },
    toTop: () => {
      scrollTo(0);
    },
  };
}
