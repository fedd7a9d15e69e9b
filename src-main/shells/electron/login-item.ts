import type { App } from 'electron';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { localFault, systemCode } from '../headless/local-faults.ts';
import { autostartEntry, isEntryOn } from './autostart-entry.ts';

/** Whether the program starts when its user logs in. */
export interface LoginItem {
  isOn(): Promise<boolean>;
  /** Resolves to what holds then. */
  set(isOn: boolean): Promise<boolean>;
}

function systemLoginItem(app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings'>, words: readonly string[]): LoginItem {
  const args = [...words];
  const isOn = async (): Promise<boolean> => app.getLoginItemSettings({ args }).openAtLogin;
  return {
    isOn,
    async set(wanted) {
      app.setLoginItemSettings({ openAtLogin: wanted, args });
      return isOn();
    },
  };
}

/** The XDG autostart folder of this user. */
function autostartFile(): string {
  const base = process.env.XDG_CONFIG_HOME ?? '';
  return join(base === '' ? join(homedir(), '.config') : base, 'autostart', 'mirrorpoint.desktop');
}

function fileLoginItem(command: readonly string[]): LoginItem {
  const path = autostartFile();
  const isOn = async (): Promise<boolean> => {
    try {
      return isEntryOn(await readFile(path, 'utf8'));
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return false;
      throw localFault(path, 'read', cause);
    }
  };
  return {
    isOn,
    async set(wanted) {
      try {
        if (wanted) {
          await mkdir(dirname(path), { recursive: true, mode: 0o700 });
          await writeFile(path, autostartEntry(command), { mode: 0o644 });
        } else await rm(path, { force: true });
      } catch (cause) {
        throw localFault(path, wanted ? 'written' : 'removed', cause);
      }
      return isOn();
    },
  };
}

/** How this program is started again: an AppImage by its file, and one that is not packaged with its folder. */
function startCommand(app: Pick<App, 'isPackaged' | 'getAppPath'>): readonly string[] {
  const program = process.env.APPIMAGE ?? process.execPath;
  return app.isPackaged ? [program] : [program, app.getAppPath()];
}

/**
 * The login item of this system; the program starts hidden, on the same
 * configuration folder. Linux has none of its own; desktops there read a folder
 * of entries.
 */
export function loginItem(app: App, configFolder: string | undefined): LoginItem {
  const words = ['--hidden', ...(configFolder === undefined ? [] : ['--config', configFolder])];
  return process.platform === 'linux' ? fileLoginItem([...startCommand(app), ...words]) : systemLoginItem(app, words);
}
