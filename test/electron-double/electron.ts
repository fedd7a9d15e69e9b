/**
 * What the built main file gets when it asks for `electron`: as much of it as
 * the program uses. Windows are pages of a real Chromium with the built preload
 * script in a world of its own; what a person would see is recorded, and what a
 * person would do is done by the test.
 */
import { app as theApp } from './app.ts';
import { registerSchemes } from './schemes.ts';
import { defaultSession } from './session.ts';

export { app } from './app.ts';
export { BrowserWindow } from './browser-window.ts';
export { ipcMain } from './ipc-main.ts';
export { MessageChannelMain } from './message-ports.ts';
export { utilityProcess } from './utility-process.ts';
export { dialog, Menu, nativeTheme, Notification, powerMonitor, screen, shell, Tray } from './native.ts';

export const protocol = {
  registerSchemesAsPrivileged(schemes: Parameters<typeof registerSchemes>[0]): void {
    if (theApp.isReady()) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    registerSchemes(schemes);
  },
};

export const session = {
  get defaultSession(): typeof defaultSession {
    if (!theApp.isReady()) throw new Error('Session can only be received when app is ready');
    return defaultSession;
  },
};
