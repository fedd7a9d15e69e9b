import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const projectFolder = join(import.meta.dirname, '..');
const cacheFolder = join(projectFolder, 'node_modules', '.cache', 'mirrorpoint', 'program');

/** Stands for the sources as they are now. */
function sourcesDigest(): string {
  const digest = createHash('sha256').update(readFileSync(join(projectFolder, 'package-lock.json')));
  const entries = readdirSync(join(projectFolder, 'src-main'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of entries.map((entry) => join(entry.parentPath, entry.name)).sort()) digest.update(path).update('\0').update(readFileSync(path));
  return digest.digest('hex');
}

/**
 * Tests start hundreds of servers, most of whose time would go into loading a
 * thousand small files. So the program is put together into a few large ones
 * once, as the desktop program is; that it runs from its sources as well is
 * proven where the program itself is tested.
 */
export async function setup(): Promise<void> {
  const folder = join(cacheFolder, sourcesDigest());
  if (!existsSync(folder)) {
    mkdirSync(cacheFolder, { recursive: true });
    const beside = mkdtempSync(join(cacheFolder, 'new-'));
    await build({
      root: projectFolder,
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: {
        ssr: 'src-main/shells/cli/main.ts',
        outDir: beside,
        target: 'node24',
        rolldownOptions: { output: { minify: { compress: false, mangle: false, codegen: true }, entryFileNames: 'cli/[name].mjs', chunkFileNames: 'cli/[name]-[hash].mjs' } },
      },
    });
    // Programs beside a server are found from where its own files are.
    symlinkSync(join(projectFolder, 'src-main', 'shells', 'programs'), join(beside, 'programs'));
    try {
      renameSync(beside, folder);
    } catch (cause) {
      rmSync(beside, { recursive: true, force: true });
      if (!existsSync(folder)) throw cause;
    }
  }
  process.env.MIRRORPOINT_TEST_PROGRAM = join(folder, 'cli', 'main.mjs');
}
