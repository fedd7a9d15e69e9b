import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { app, dialog, ipcMain, Menu, Notification, powerMonitor, session, shell } from 'electron';
import { isFault, reasonOf, systemClock } from '../../base/index.ts';
import type { MirrorpointClient, ServerStatus } from '../../contract/index.ts';
import { clientOf, type Engine } from '../../engine/index.ts';
import { prepareFolder, runtimeFolder } from '../headless/config-folder.ts';
import type { ServerHost } from '../headless/server-host.ts';
import { appMenu } from './app-menu.ts';
import { Bridge } from './bridge.ts';
import { Closing } from './closing.ts';
import { serveConsole } from './console-protocol.ts';
import type { DesktopLog } from './desktop-log.ts';
import { explainStart, openDesktopServer } from './desktop-server.ts';
import { DragStaging } from './drag-staging.ts';
import { lockSession } from './lockdown.ts';
import { loginItem } from './login-item.ts';
import { MainWindow } from './main-window.ts';
import { AlertNotifications } from './notifications.ts';
import { followPower } from './power.ts';
import { programFiles } from './program-files.ts';
import { StatusTray } from './tray.ts';
import { quietTrayView, trayView } from './tray-view.ts';
import { startByUtility } from './utility-programs.ts';
import { type CloseAction, closeAction } from './window-close.ts';
import { WindowStateFile } from './window-state.ts';

export interface DesktopOptions {
  /** Absolute, and there. */
  readonly configFolder: string;
  /** As it was named at the start; undefined for the usual one. */
  readonly namedFolder: string | undefined;
  readonly isHidden: boolean;
  /** Of this shell, inside the configuration folder. */
  readonly dataFolder: string;
  readonly log: DesktopLog;
}

/** How often the tray looks at the server. */
const trayIntervalMs = 1000;

/** Copies for drags lie where only this user may enter, apart for each configuration folder. */
function stagingFolder(configFolder: string): string {
  prepareFolder(runtimeFolder());
  return join(runtimeFolder(), `drags-${createHash('sha256').update(configFolder).digest('hex').slice(0, 16)}`);
}

/** The program as long as it runs: a server, and the window, tray, menu and notifications that show it. */
export class Desktop {
  readonly #options: DesktopOptions;
  readonly #host: Promise<ServerHost>;
  readonly #engine: Promise<Engine>;
  /** The shell's own. */
  readonly #client: Promise<MirrorpointClient>;
  readonly #staging: Promise<DragStaging>;
  readonly #windowState: WindowStateFile;
  readonly #closing: Closing;
  readonly #ending = new AbortController();
  #window: MainWindow | undefined;
  #tray: StatusTray | undefined;
  #bridge: Bridge | undefined;
  #notifications: AlertNotifications | undefined;
  #following: Promise<void> = Promise.resolve();
  #status: ServerStatus | undefined;
  #hasToldOfTray = false;

  private constructor(options: DesktopOptions) {
    const { configFolder, dataFolder } = options;
    this.#options = options;
    this.#host = openDesktopServer({
      configFolder,
      listen: [],
      startProgram: startByUtility(programFiles(app).programFolder),
      onStopAsked: () => {
        app.quit();
      },
      report: ({ subject, text }) => {
        process.stderr.write(`${subject}: ${text}\n`);
      },
    });
    this.#engine = this.#host.then(({ engine }) => engine);
    this.#client = this.#engine.then((engine) => clientOf(engine, engine.newSession()));
    this.#staging = this.#client.then((client) => DragStaging.open(stagingFolder(configFolder), client));
    // Whoever waits for one of them hears of its fault; the start tells of it once.
    for (const promise of [this.#engine, this.#client, this.#staging]) promise.catch(() => undefined);
    this.#windowState = new WindowStateFile(dataFolder);
    this.#closing = new Closing(app, {
      onBegin: () => {
        this.#tray?.show(quietTrayView('Closing: a last CP of each volume is taken'));
        this.#window?.showClosing('closing, a last CP of each volume is taken…');
      },
      close: () => this.#close(),
      tell: (text) => {
        dialog.showErrorBox('Mirrorpoint', text);
      },
    });
  }

  /** Runs the program, from when Electron is ready. Returns when the server serves, or could not. */
  static async run(options: DesktopOptions): Promise<void> {
    await app.whenReady();
    const desktop = new Desktop(options);
    const { log, configFolder } = options;
    await desktop.#open();
    try {
      log.attach(await desktop.#engine);
      await desktop.#follow(await desktop.#client);
    } catch (fault) {
      if (desktop.#closing.hasBegun) return;
      if (!isFault(fault)) throw fault;
      await explainStart(fault, configFolder);
      app.exit(1);
    }
  }

  /** All that is there before the server is. */
  async #open(): Promise<void> {
    const { log, isHidden, namedFolder } = this.#options;
    const files = programFiles(app);
    lockSession(session.defaultSession, (what) => {
      log.refused(what);
    });
    serveConsole(session.defaultSession.protocol, files.consoleFolder);
    const window = new MainWindow({
      preloadFile: files.preloadFile,
      iconFile: files.windowIconFile,
      isPackaged: app.isPackaged,
      left: await this.#windowState.read(),
      log,
      monotonicMs: () => systemClock.monotonicMs(),
      onClose: () => this.#closeWindow(),
      onLeft: (state) => {
        this.#windowState.write(state);
      },
      quit: () => {
        app.quit();
      },
    });
    this.#window = window;
    this.#bridge = new Bridge({
      ipc: ipcMain,
      engine: this.#engine,
      staging: this.#staging,
      loginItem: loginItem(app, namedFolder),
      log,
      dragIconFile: files.dragIconFile,
      window: () => window.native,
      onListening: () => {
        window.listening();
      },
    });
    const show = (path?: string): void => {
      window.show(path);
    };
    this.#setMenu(files.documentationFile);
    this.#tray = StatusTray.open({
      iconFolder: files.iconFolder,
      actions: {
        show,
        quit: () => {
          app.quit();
        },
      },
    });
    followPower(powerMonitor, {
      engine: this.#engine,
      quit: () => {
        app.quit();
      },
    });
    app.on('second-instance', (_event, words) => {
      if (!words.includes('--hidden')) show();
    });
    app.on('activate', () => {
      show();
    });
    // The program goes on without a window, until it is told to quit.
    app.on('window-all-closed', () => undefined);
    app.on('child-process-gone', (_event, { type, reason }) => {
      if (reason !== 'clean-exit') log.add(`A process of the window (${type}) ended: ${reason}.`, 'warning');
    });
    // Without a tray nobody would find it.
    if (!isHidden || this.#tray === undefined) show();
  }

  /** Follows the server, once it serves. */
  async #follow(client: MirrorpointClient): Promise<void> {
    this.#following = this.#followStatus(client);
    this.#notifications = new AlertNotifications({
      client,
      onClick: (path) => {
        this.#window?.show(path);
      },
    });
    await this.#staging;
  }

  #setMenu(documentationFile: string): void {
    const template = appMenu(
      {
        show: (path) => {
          this.#window?.show(path);
        },
        takeCps: () => void this.#takeCps(),
        openDocumentation: () => void shell.openPath(documentationFile),
      },
      { platform: process.platform, isPackaged: app.isPackaged },
    );
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }

  #closeWindow(): CloseAction {
    const action = closeAction({
      isEnding: this.#closing.hasBegun,
      hasTray: this.#tray !== undefined,
      servesVolumes: this.#status !== undefined && this.#status.volumes.length > 0,
      platform: process.platform,
    });
    if (action === 'hide' && process.platform !== 'darwin' && !this.#hasToldOfTray && Notification.isSupported()) {
      this.#hasToldOfTray = true;
      new Notification({ title: 'Mirrorpoint goes on', body: 'It serves and mirrors its volumes in the background. Open or quit it from the tray.' }).show();
    }
    return action;
  }

  async #followStatus(client: MirrorpointClient): Promise<void> {
    const { signal } = this.#ending;
    try {
      for await (const status of await client.server.watch({ intervalMs: trayIntervalMs }, { signal })) {
        this.#status = status;
        if (!this.#closing.hasBegun) this.#tray?.show(trayView(status));
      }
    } catch (fault) {
      if (!signal.aborted) throw fault;
    }
  }

  /** Takes a CP on every primary, and says which could not. */
  async #takeCps(): Promise<void> {
    const client = await this.#client;
    const { volumes } = await client.volumes.list({});
    const faults: string[] = [];
    for (const { name, role } of volumes) {
      if (role !== 'primary') continue;
      await client.cp.now({ volume: name }).catch((fault: unknown) => faults.push(`${name}: ${reasonOf(fault)}`));
    }
    if (faults.length > 0) {
      await dialog.showMessageBox({ type: 'warning', title: 'Mirrorpoint', message: 'Not every volume took a CP.', detail: faults.join('\n'), buttons: ['OK'] });
    }
  }

  /** Ends everything in order: what shows the server, then the server with its last CPs. */
  async #close(): Promise<void> {
    this.#ending.abort();
    await this.#notifications?.close();
    await this.#following;
    await this.#bridge?.close();
    const staging = await this.#staging.catch(() => undefined);
    await staging?.close();
    const host = await this.#host.catch(() => undefined);
    await host?.close();
    await this.#windowState.settled();
  }
}
