import { effectScope, type Ref, ref, watch } from 'vue';

/** As the system is, or one of the two. */
export type Appearance = 'system' | 'light' | 'dark';

const storageKey = 'mirrorpoint-appearance';

interface PageAppearance {
  readonly appearance: Ref<Appearance>;
  readonly isDark: Ref<boolean>;
}

function stored(): Appearance {
  const value = localStorage.getItem(storageKey);
  return value === 'light' || value === 'dark' ? value : 'system';
}

function begin(): PageAppearance {
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
  apply();
  return { appearance, isDark };
}

let page: PageAppearance | undefined;

/** The appearance of the page, one for all who ask, for its life; the choice is kept across starts. */
export function useAppearance(): PageAppearance {
  page ??= effectScope(true).run(begin) ?? begin();
  return page;
}
