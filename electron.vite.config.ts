import { defineConfig } from 'electron-vite';
import renderer from './resources/vite/renderer.config.ts';

export default defineConfig({
  main: {
    build: {
      // Everything that runs is in the build, so that a package holds no packages.
      externalizeDeps: false,
      rolldownOptions: {
        input: {
          main: 'src-main/shells/electron/main.ts',
          'discovery-program': 'src-main/shells/programs/discovery-program.ts',
          'drives-program': 'src-main/shells/programs/drives-program.ts',
        },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      // A sandboxed preload script must be CommonJS.
      rolldownOptions: {
        input: { preload: 'src-main/shells/electron/preload.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer,
});
