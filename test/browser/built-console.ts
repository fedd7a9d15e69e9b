import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildConsole, consoleSourcesDigest } from '../../src-main/shells/index.ts';

const projectFolder = join(import.meta.dirname, '..', '..');
const cacheFolder = join(projectFolder, 'node_modules', '.cache', 'mirrorpoint', 'console');

async function build(): Promise<string> {
  const folder = join(cacheFolder, consoleSourcesDigest(projectFolder)!);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const beside = mkdtempSync(join(cacheFolder, 'new-'));
  try {
    await buildConsole(projectFolder, beside);
    renameSync(beside, folder);
  } catch (cause) {
    // Another process of the tests may have been first.
    rmSync(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw cause;
  }
  return folder;
}

let built: Promise<string> | undefined;

/**
 * The folder of the console as it would be built now. It is built once for each
 * state of its sources, whichever test asks first, and appears as a whole.
 */
export function builtConsole(): Promise<string> {
  built ??= build();
  return built;
}
