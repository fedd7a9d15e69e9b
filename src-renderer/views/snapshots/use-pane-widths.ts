import { computed, onBeforeUnmount, onMounted, type Ref, ref, useTemplateRef } from 'vue';

/** Below this width of both panes together, columns are left out. */
const narrowPixels = 900;

/** From this width on there is room for a tree beside the table. */
const widePixels = 1150;

/** How much room two panes have. The template names their place `panes`. */
export function usePaneWidths(): { panes: Readonly<Ref<HTMLElement | null>>; isNarrow: Ref<boolean>; isWide: Ref<boolean> } {
  const panes = useTemplateRef<HTMLElement>('panes');
  const width = ref(narrowPixels);
  const observer = new ResizeObserver(() => {
    width.value = panes.value?.clientWidth ?? narrowPixels;
  });
  onMounted(() => {
    if (panes.value !== null) observer.observe(panes.value);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
  });
  return { panes, isNarrow: computed(() => width.value < narrowPixels), isWide: computed(() => width.value >= widePixels) };
}
