/**
 * The desktop shell's beginning: what must be done before Electron is ready.
 * Nothing here may wait, since Electron is ready only when this file has run.
 */
import { join } from 'node:path';
import { app, dialog, protocol, shell } from 'electron';
import { isFault, reasonOf } from '../../base/index.ts';
import { defaultConfigFolder, prepareFolder } from '../headless/config-folder.ts';
import { registerConsoleScheme } from './console-protocol.ts';
import { Desktop } from './desktop.ts';
import { DesktopLog } from './desktop-log.ts';
import { desktopOptions } from './desktop-options.ts';
import { lockPages } from './lockdown.ts';
import { catchProgramFaults } from './program-faults.ts';

const log = new DesktopLog();
catchProgramFaults(log);
app.enableSandbox();
registerConsoleScheme(protocol);
lockPages(app, shell, (what) => {
  log.refused(what);
});

/** Makes the configuration folder, or says why not. */
function preparedFolder(folder: string): boolean {
  try {
    prepareFolder(folder);
    return true;
  } catch (fault) {
    if (!isFault(fault)) throw fault;
    dialog.showErrorBox('Mirrorpoint could not start', `${reasonOf(fault)} [${fault.code}]`);
    return false;
  }
}

const { isHidden, configFolder: namedFolder } = desktopOptions(process.argv.slice(1));
const configFolder = namedFolder ?? defaultConfigFolder();
if (preparedFolder(configFolder)) {
  // What Chromium stores lies with the server's settings, and so one program runs for each configuration folder.
  const dataFolder = join(configFolder, 'desktop');
  app.setPath('userData', dataFolder);
  if (app.requestSingleInstanceLock()) {
    const wasOpenedAtLogin = process.platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin;
    void Desktop.run({ configFolder, namedFolder, dataFolder, isHidden: isHidden || wasOpenedAtLogin, log });
  } else app.quit();
} else app.exit(1);
