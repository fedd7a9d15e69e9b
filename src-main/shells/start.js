/**
 * `npm start`: the desktop window where Electron's binary is installed, else
 * the server in the foreground of this terminal, with its console in the
 * browser.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { continueOnSuitableNode, runInPlace } from './node-version.js';

const scriptFile = fileURLToPath(import.meta.url);
const projectFolder = join(dirname(scriptFile), '..', '..');

/** Looks without importing the package, which would try to download the binary. */
function isElectronInstalled() {
  const packageFolder = join(projectFolder, 'node_modules', 'electron');
  const pathFile = join(packageFolder, 'path.txt');
  return existsSync(pathFile) && existsSync(join(packageFolder, 'dist', readFileSync(pathFile, 'utf8').trim()));
}

/**
 * Builds the console where its sources are newer than what is there. A server
 * without it still serves volumes, and its page says what is missing.
 */
async function prepareConsole() {
  const { buildConsole, consoleBuildState } = await import('./console-build.ts');
  const { defaultConsoleFolder } = await import('./web/console-folder.ts');
  const state = consoleBuildState(projectFolder, defaultConsoleFolder());
  if (state === 'current') return;
  console.log(state === 'missing' ? 'Building the console...' : 'Building the console anew, since its sources have changed...');
  try {
    await buildConsole(projectFolder, defaultConsoleFolder());
  } catch (fault) {
    console.error(`mirrorpoint: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}

if (await continueOnSuitableNode(scriptFile)) {
  const passedOn = process.argv.slice(2);
  if (isElectronInstalled()) {
    const electronVite = join(projectFolder, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
    await runInPlace(process.execPath, [electronVite, 'preview', '--', ...passedOn]);
  } else {
    console.log('Electron is not installed (`npx install-electron` fetches it), so the console opens in the browser.');
    await prepareConsole();
    const commandLine = join(projectFolder, 'src-main', 'shells', 'cli', 'mirrorpoint.js');
    await runInPlace(process.execPath, [commandLine, 'serve', '--open', ...passedOn]);
  }
}
