import { watch } from 'vue';

/**
 * Gives the focus back to what had it when a dialog opened. A button that was
 * disabled while its work ran has lost it, and then nothing else gives it back.
 * The result is called when the dialog has closed.
 */
export function useFocusReturn(isOpen: () => boolean): () => void {
  let before: HTMLElement | undefined;
  watch(
    isOpen,
    (open) => {
      if (open) before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    },
    { flush: 'sync', immediate: true },
  );
  return () => {
    if (document.activeElement === null || document.activeElement === document.body) before?.focus();
  };
}
