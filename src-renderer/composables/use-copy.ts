import { onScopeDispose, type Ref, ref } from 'vue';
import { useAnnouncer } from './use-announcer.ts';

/** How long a button says that something was copied. */
const saidMs = 4000;

/** Copies texts to the clipboard, and says whether it went. */
export function useCopy(): { outcome: Ref<'copied' | 'refused' | undefined>; copy: (text: string) => Promise<void> } {
  const { announce } = useAnnouncer();
  const outcome = ref<'copied' | 'refused'>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => {
    clearTimeout(timer);
  });
  return {
    outcome,
    async copy(text) {
      try {
        await navigator.clipboard.writeText(text);
        outcome.value = 'copied';
        announce('Copied.');
      } catch {
        outcome.value = 'refused';
        announce('The clipboard cannot be reached. The text is selected: copy it by the keyboard.');
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        outcome.value = undefined;
      }, saidMs);
    },
  };
}
