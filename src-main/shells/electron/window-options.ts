import type { BrowserWindowConstructorOptions } from 'electron';

/** The origin under which the window's own files are served. */
export const consoleOrigin = 'mirrorpoint://console';

/** The window: a sandboxed page that has no Node and no way to get one. */
export function windowOptions(preloadFile: string): BrowserWindowConstructorOptions {
  return {
    title: 'Mirrorpoint',
    width: 960,
    height: 640,
    minWidth: 480,
    minHeight: 360,
    webPreferences: {
      preload: preloadFile,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
    },
  };
}
