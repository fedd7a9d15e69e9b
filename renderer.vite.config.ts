import { join } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';
import { builtFromName, consoleSourcesDigest } from './src-main/shells/console-build.ts';

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

/** The console's page, for both of its hosts. */
export default defineConfig({
  root: join(import.meta.dirname, 'src-renderer'),
  // Relative addresses, because the hosts serve it at addresses of their own.
  base: './',
  plugins: [vue(), builtFrom()],
  build: {
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: { input: join(import.meta.dirname, 'src-renderer', 'index.html') },
  },
});
