import { BrowserWindow, dialog, nativeTheme, screen } from 'electron';
import { bridgeChannels } from './bridge-channels.ts';
import { consoleOrigin } from './console-address.ts';
import type { DesktopLog } from './desktop-log.ts';
import { reloadPauseMs } from './limits.ts';
import { windowBounds, type WindowState } from './window-bounds.ts';
import type { CloseAction } from './window-close.ts';
import { backgroundColor, windowOptions } from './window-options.ts';

export interface MainWindowParts {
  readonly preloadFile: string;
  readonly iconFile: string;
  readonly isPackaged: boolean;
  /** How the window was left. */
  readonly left: WindowState | undefined;
  readonly log: DesktopLog;
  readonly monotonicMs: () => number;
  /** What closing the window means now. */
  readonly onClose: () => CloseAction;
  /** The window's place may have changed for good. */
  readonly onLeft: (state: WindowState) => void;
  readonly quit: () => void;
}

/** The one window. It is made when it is first shown, and hides rather than closes while the program goes on. */
export class MainWindow {
  readonly #parts: MainWindowParts;
  #window: BrowserWindow | undefined;
  #state: WindowState | undefined;
  /** What the page is to show as soon as it listens. */
  #path: string | undefined;
  #isListening = false;
  #failedMs: number | undefined;

  constructor(parts: MainWindowParts) {
    this.#parts = parts;
    this.#state = parts.left;
    nativeTheme.on('updated', () => {
      this.#window?.setBackgroundColor(backgroundColor(nativeTheme.shouldUseDarkColors));
    });
  }

  /** For dialogs that belong to it. */
  get native(): BrowserWindow | undefined {
    return this.#window;
  }

  /** Brings the window to the front, and the page to a screen of the console. */
  show(path?: string): void {
    const window = this.#window ?? this.#make();
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    if (path === undefined) return;
    if (this.#isListening) window.webContents.send(bridgeChannels.show, path);
    else this.#path = path;
  }

  /** The page has begun to listen for what to show. */
  listening(): void {
    this.#isListening = true;
    if (this.#path !== undefined) this.#window?.webContents.send(bridgeChannels.show, this.#path);
    this.#path = undefined;
  }

  /** Says on the window that the program is ending, and what it still does. */
  showClosing(text: string): void {
    const window = this.#window;
    if (window === undefined) return;
    window.on('page-title-updated', (event) => {
      event.preventDefault();
    });
    window.setTitle(`Mirrorpoint – ${text}`);
    // More than one: busy, for as long as it takes.
    window.setProgressBar(2);
  }

  #make(): BrowserWindow {
    const { preloadFile, iconFile, isPackaged } = this.#parts;
    const [first, ...others] = [screen.getPrimaryDisplay(), ...screen.getAllDisplays()].map(({ workArea }) => workArea) as [Electron.Rectangle];
    const bounds = windowBounds([first, ...others], this.#state);
    const window = new BrowserWindow(windowOptions({ preloadFile, iconFile, isPackaged, bounds, isDark: nativeTheme.shouldUseDarkColors }));
    this.#window = window;
    if (this.#state?.isMaximized === true) window.maximize();
    this.#follow(window);
    void window.loadURL(`${consoleOrigin}/`).catch((fault: unknown) => {
      if (!window.isDestroyed()) this.#parts.log.add(`The console's page could not be loaded: ${String(fault)}`, 'problem');
    });
    return window;
  }

  #follow(window: BrowserWindow): void {
    const { onClose, onLeft, quit } = this.#parts;
    const note = (): void => {
      this.#state = { ...window.getNormalBounds(), isMaximized: window.isMaximized() };
      onLeft(this.#state);
    };
    window.on('close', (event) => {
      note();
      const action = onClose();
      if (action === 'close') return;
      event.preventDefault();
      if (action === 'hide') window.hide();
      else quit();
    });
    window.on('closed', () => {
      this.#window = undefined;
      this.#isListening = false;
    });
    // Windows tells the window, not the program, that the session ends.
    window.on('query-session-end', (event) => {
      event.preventDefault();
      quit();
    });
    const { webContents } = window;
    webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) this.#isListening = false;
    });
    webContents.on('render-process-gone', (_event, { reason }) => {
      if (reason !== 'clean-exit') void this.#pageFailed(window, reason);
    });
  }

  /** Loads a page that has died again, once by itself, and says so. */
  async #pageFailed(window: BrowserWindow, reason: string): Promise<void> {
    const { log, monotonicMs, quit } = this.#parts;
    const nowMs = monotonicMs();
    const isAgain = this.#failedMs !== undefined && nowMs - this.#failedMs < reloadPauseMs;
    this.#failedMs = nowMs;
    log.add(`The window's process ended (${reason}). The server was not touched by it.`, 'problem');
    if (!isAgain) {
      window.webContents.reload();
      await dialog.showMessageBox(window, {
        type: 'warning',
        title: 'Mirrorpoint',
        message: 'The window failed, and was loaded again.',
        detail: `Its process ended (${reason}). Mirroring goes on, and nothing is lost but what was typed.`,
        buttons: ['OK'],
      });
      return;
    }
    const { response } = await dialog.showMessageBox(window, {
      type: 'error',
      title: 'Mirrorpoint',
      message: 'The window failed again.',
      detail: `Its process ended (${reason}). Mirroring goes on without it; the command line works as ever.`,
      buttons: ['Load again', 'Quit Mirrorpoint'],
      defaultId: 0,
      cancelId: 0,
    });
    if (response === 1) quit();
    else if (!window.isDestroyed()) window.webContents.reload();
  }
}
