import { join } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';
import { builtFromName, consoleSourcesDigest } from '../../src-main/shells/console-build.ts';

/** Leaves in the build what it was made of. */
function builtFrom(): Plugin {
  let projectFolder = '';
  return {
    name: 'built-from',
    apply: 'build',
    configResolved({ root }) {
      projectFolder = join(root, '..');
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: builtFromName, source: consoleSourcesDigest(projectFolder) ?? '' });
    },
  };
}

/** The console's page, for both of its hosts. Paths are seen from the project's folder, where builds run. */
export default defineConfig({
  root: 'src-renderer',
  // Relative addresses, because the hosts serve it at addresses of their own.
  base: './',
  plugins: [vue(), builtFrom()],
  build: {
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: join('src-renderer', 'index.html'),
      treeshake: {
        // The contract leans on a room that has a checksum too, which a page neither needs nor may run.
        moduleSideEffects: (id) => !id.includes('/src-main/base/'),
      },
    },
  },
});
