/** Builds the desktop's main and preload files into a folder, as `npm run build` does, and not its page. */
import { join } from 'node:path';
import { resolveConfig } from 'electron-vite';
import { build } from 'vite';

const folder = process.argv[2] ?? '';
const { config } = await resolveConfig({ logLevel: 'warn' }, 'build', 'production');
for (const part of ['main', 'preload'] as const) {
  const own = config?.[part];
  await build({ ...own, build: { ...own?.build, outDir: join(folder, part), emptyOutDir: true } });
}
