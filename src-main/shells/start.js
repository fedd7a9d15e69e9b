/**
 * `npm start`: the desktop window where Electron's binary is installed, else
 * the server in the foreground of this terminal.
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

if (await continueOnSuitableNode(scriptFile)) {
  const passedOn = process.argv.slice(2);
  if (isElectronInstalled()) {
    const electronVite = join(projectFolder, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
    await runInPlace(process.execPath, [electronVite, 'preview', ...passedOn]);
  } else {
    console.log(
      'Electron is not installed (`npx install-electron` fetches it), and the console for the browser is not part ' +
        'of this version yet: starting the server alone, `mirrorpoint serve`.',
    );
    const commandLine = join(projectFolder, 'src-main', 'shells', 'cli', 'mirrorpoint.js');
    await runInPlace(process.execPath, [commandLine, 'serve', ...passedOn]);
  }
}
