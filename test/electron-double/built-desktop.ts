import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

export const projectFolder = join(import.meta.dirname, '..', '..');
const cacheFolder = join(projectFolder, 'node_modules', '.cache', 'mirrorpoint', 'desktop');

/** Stands for the sources of the main and preload files as they are now. */
function sourcesDigest(): string {
  const below = readdirSync(join(projectFolder, 'src-main'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const others = ['electron.vite.config.ts', 'package.json', 'package-lock.json'].map((name) => join(projectFolder, name));
  const digest = createHash('sha256');
  for (const file of [...below.sort(), ...others]) digest.update(`${relative(projectFolder, file)}\0`).update(readFileSync(file));
  return digest.digest('hex');
}

async function build(): Promise<string> {
  const folder = join(cacheFolder, sourcesDigest());
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const beside = mkdtempSync(join(cacheFolder, 'new-'));
  try {
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'build-desktop.ts'), beside], {
      cwd: projectFolder,
      env: { ...process.env, NODE_ENV: 'production' },
    });
    renameSync(beside, folder);
  } catch (cause) {
    // Another process of the tests may have been first.
    rmSync(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw cause;
  }
  return folder;
}

let built: Promise<string> | undefined;

/** The folder of the main and preload files as they would be built now; built once for each state of their sources. */
export function builtDesktop(): Promise<string> {
  built ??= build();
  return built;
}
