/**
 * The desktop shell: one locked-down window on the console's own files. In
 * this version the window is a notice; it starts no server.
 */
import { join } from 'node:path';
import { app, BrowserWindow, protocol, session } from 'electron';
import { serveConsoleFile } from './console-files.ts';
import { consoleOrigin, windowOptions } from './window-options.ts';

const consoleFolder = join(import.meta.dirname, '..', 'renderer');
const preloadFile = join(import.meta.dirname, '..', 'preload', 'preload.cjs');

protocol.registerSchemesAsPrivileged([
  { scheme: 'mirrorpoint', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

/** Holds for every page that ever exists here, not only for the first window's. */
app.on('web-contents-created', (_event, contents) => {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
});

async function openWindow(): Promise<void> {
  const window = new BrowserWindow(windowOptions(preloadFile));
  window.removeMenu();
  await window.loadURL(`${consoleOrigin}/`);
}

app.on('window-all-closed', () => {
  app.quit();
});

await app.whenReady();
session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => {
  decide(false);
});
session.defaultSession.setPermissionCheckHandler(() => false);
protocol.handle('mirrorpoint', (request) => serveConsoleFile(request.url, consoleFolder));
await openWindow();
