import type { BrowserWindowConstructorOptions, Rectangle } from 'electron';

export const windowMinWidth = 900;
export const windowMinHeight = 600;

/** What is there before the page has painted: the page's own background, so that nothing flashes. */
export function backgroundColor(isDark: boolean): string {
  return isDark ? '#14171c' : '#f6f7f9';
}

/** The window: a sandboxed page that has no Node and no way to get one. */
export function windowOptions(parts: {
  preloadFile: string;
  bounds: Rectangle;
  isDark: boolean;
  iconFile: string;
  isPackaged: boolean;
}): BrowserWindowConstructorOptions {
  return {
    title: 'Mirrorpoint',
    ...parts.bounds,
    minWidth: windowMinWidth,
    minHeight: windowMinHeight,
    icon: parts.iconFile,
    backgroundColor: backgroundColor(parts.isDark),
    // It is shown when there is something to see, and not at all after a hidden start.
    show: false,
    webPreferences: {
      preload: parts.preloadFile,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      safeDialogs: true,
      devTools: !parts.isPackaged,
    },
  };
}
