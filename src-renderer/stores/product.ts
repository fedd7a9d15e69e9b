import { defineStore } from 'pinia';
import { ref } from 'vue';
import { version as packageVersion } from '../../package.json';
import { type ConsoleHost, detectHost } from '../client/index.ts';

/** What this program is: its name, its version, and the host it runs in. */
export const useProductStore = defineStore('product', () => {
  const name = ref('Mirrorpoint');
  const version = ref(packageVersion);
  const host = ref<ConsoleHost>(detectHost());
  return { name, version, host };
});
