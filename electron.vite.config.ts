import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {
    build: {
      rolldownOptions: { input: { main: 'src-main/shells/electron/main.ts' } },
    },
  },
  preload: {
    build: {
      // A sandboxed preload script must be CommonJS.
      rolldownOptions: {
        input: { preload: 'src-main/shells/electron/preload.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [vue()],
    build: {
      // The content security policy allows no data: addresses.
      assetsInlineLimit: 0,
      rolldownOptions: {
        input: 'src-renderer/index.html',
        treeshake: {
          // The contract leans on a room that has a checksum too, which a page neither needs nor may run.
          moduleSideEffects: (id) => !id.includes('/src-main/base/'),
        },
      },
    },
  },
});
