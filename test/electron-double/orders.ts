import { app } from './app.ts';
import { BrowserWindow } from './browser-window.ts';
import { eventWith, PreventableEvent } from './events.ts';
import { ipcMain } from './ipc-main.ts';
import { Menu, nativeTheme, Notification, powerMonitor, Tray } from './native.ts';
import { answers, reader, record } from './recorded.ts';
import { registeredSchemes } from './schemes.ts';
import { defaultSession } from './session.ts';

function theWindow(): BrowserWindow {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) throw new Error('there is no window');
  return window;
}

interface Labelled {
  readonly label?: string;
  readonly role?: string;
  readonly submenu?: readonly Labelled[];
}

function labelsOf(items: readonly Labelled[]): unknown[] {
  return items.map((item) => {
    const label = item.label ?? item.role ?? '-';
    return item.submenu === undefined ? label : { [label]: labelsOf(item.submenu) };
  });
}

function look(): unknown {
  const tray = Tray.current;
  return {
    isReady: app.isReady(),
    isSandboxed: app.isSandboxed,
    userData: app.getPath('userData'),
    loginItem: app.loginItem,
    schemes: registeredSchemes(),
    windows: BrowserWindow.getAllWindows().map((window) => ({
      options: window.options,
      bounds: window.bounds,
      title: window.title,
      progress: window.progress,
      backgroundColor: window.backgroundColor,
      isVisible: window.isVisible(),
      url: window.webContents.getURL(),
    })),
    menu: Menu.application === undefined ? [] : labelsOf(Menu.application.items),
    tray: tray && { image: tray.image, tooltip: tray.tooltip, labels: labelsOf(tray.menu?.items ?? []) },
    ...record,
  };
}

/** What the test may order, each with one argument. */
const orders: Readonly<Record<string, (argument: never) => unknown>> = {
  look,
  /** Runs an expression in the page's own world. */
  evaluate: async (expression: string) => (await theWindow().webContents.page).evaluate(expression),
  screenshot: async (path: string) => (await theWindow().webContents.page).screenshot({ path }),
  answerOpenDialog: (paths: string[]) => void answers.openDialogs.push(paths),
  answerMessageBox: (button: number) => void answers.messageBoxes.push(button),
  /** From now on a message stays until it is closed. */
  holdMessageBoxes: () => {
    reader.isSlow = true;
  },
  closeMessageBox: () => reader.done?.(),
  clickMenu: (labels: string[]) => Menu.application?.click(labels),
  clickTray: (label: string | undefined) => (label === undefined ? Tray.current?.emit('click') : Tray.current?.menu?.click([label])),
  clickNotification: (index: number) => Notification.shown[index]?.emit('click'),
  closeWindow: () => theWindow().close(),
  minimizeWindow: () => {
    theWindow().minimize();
  },
  moveWindow: (bounds: { x: number; y: number; width: number; height: number }) => {
    theWindow().setBounds(bounds);
  },
  titlePage: (title: string) => {
    theWindow().pageTitled(title);
  },
  crashPage: (reason: string) => theWindow().webContents.emit('render-process-gone', new PreventableEvent(), { reason, exitCode: 1 }),
  endSession: () => {
    const event = new PreventableEvent();
    theWindow().emit('query-session-end', event);
    return event.defaultPrevented;
  },
  power: (name: string) => {
    const event = new PreventableEvent();
    powerMonitor.emit(name, event);
    return event.defaultPrevented;
  },
  activate: () => app.emit('activate', new PreventableEvent()),
  darken: (isDark: boolean) => {
    nativeTheme.shouldUseDarkColors = isDark;
    nativeTheme.emit('updated');
  },
  quit: () => {
    app.quit();
  },
  /** What the program's handlers say of a permission that the page asks for. */
  permission: (name: string) => defaultSession.isGranted(theWindow().webContents, name),
  isCancelled: (url: string) => defaultSession.isCancelled(url, 'image'),
  device: () => defaultSession.isDeviceGranted(),
  download: (url: string) => {
    const event = new PreventableEvent();
    defaultSession.emit('will-download', event, { getURL: () => url });
    return event.defaultPrevented;
  },
  attachWebview: () => {
    const event = new PreventableEvent();
    theWindow().webContents.emit('will-attach-webview', event, {}, {});
    return event.defaultPrevented;
  },
  redirect: (url: string) => {
    const event = eventWith({ url });
    theWindow().webContents.emit('will-redirect', event);
    return event.defaultPrevented;
  },
  /** Another page takes the window over. */
  force: ({ url, html }: { url: string; html: string }) => theWindow().webContents.force(url, html),
  /** Sends a message as a frame that is not the page's own would. */
  invokeFrom: ({ url, isInside, channel, words }: { url: string; isInside: boolean; channel: string; words: unknown[] }) => {
    const { webContents } = theWindow();
    const senderFrame = webContents.frame({ url, parent: isInside ? webContents.mainFrame : null });
    return ipcMain.invoke(channel, { sender: webContents, senderFrame, ports: [] }, words);
  },
  sendFrom: ({ url, isInside, channel, words }: { url: string; isInside: boolean; channel: string; words: unknown[] }) => {
    const { webContents } = theWindow();
    const senderFrame = webContents.frame({ url, parent: isInside ? webContents.mainFrame : null });
    ipcMain.emit(channel, { sender: webContents, senderFrame, ports: [] }, ...words);
  },
  /** Says where a file is that a person drags into the page. */
  dragged: ({ name, path }: { name: string; path: string }) => theWindow().webContents.dragged(name, path),
  throwUncaught: (text: string) => {
    setImmediate(() => {
      throw new Error(text);
    });
  },
};

/** Does what the parent process orders, over the channel that it has opened. */
export function obey(): void {
  app.on('exiting', () => process.send?.({ id: 0, value: look() }));
  process.on('message', ({ id, name, argument }: { id: number; name: string; argument: unknown }) => {
    const done = (answer: object): void => {
      process.send?.({ id, ...answer });
    };
    void Promise.resolve()
      .then(() => (orders[name] as (argument: unknown) => unknown)(argument))
      .then(
        (value) => {
          done({ value });
        },
        (thrown: unknown) => {
          done({ thrown: String(thrown) });
        },
      );
  });
}
