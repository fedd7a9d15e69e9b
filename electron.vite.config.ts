import { defineConfig } from 'electron-vite';
import renderer from './resources/vite/renderer.config.ts';

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
  renderer,
});
