import { readonly, type Ref, ref } from 'vue';

const announced = ref('');

/** What screen readers are told without moving the focus; the frame of the window has the live region. */
export function useAnnouncer(): { announced: Readonly<Ref<string>>; announce: (text: string) => void } {
  return {
    announced: readonly(announced),
    announce(text) {
      // The same text twice is to be read twice.
      announced.value = announced.value === text ? `${text}\u00a0` : text;
    },
  };
}
