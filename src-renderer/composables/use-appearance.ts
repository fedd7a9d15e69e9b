import { onScopeDispose, type Ref, ref, watch } from 'vue';

/** As the system is, or one of the two. */
export type Appearance = 'system' | 'light' | 'dark';

const storageKey = 'mirrorpoint-appearance';

function stored(): Appearance {
  const value = localStorage.getItem(storageKey);
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** Keeps the page in the chosen appearance, and the choice across starts. */
export function useAppearance(): { appearance: Ref<Appearance>; isDark: Ref<boolean> } {
  const appearance = ref(stored());
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const isDark = ref(false);
  const apply = (): void => {
    isDark.value = appearance.value === 'dark' || (appearance.value === 'system' && system.matches);
    document.documentElement.classList.toggle('dark', isDark.value);
  };
  watch(appearance, (value) => {
    localStorage.setItem(storageKey, value);
    apply();
  });
  system.addEventListener('change', apply);
  onScopeDispose(() => {
    system.removeEventListener('change', apply);
  });
  apply();
  return { appearance, isDark };
}
