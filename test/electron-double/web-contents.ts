import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { Page, Route } from 'playwright-core';
import { pages } from './chromium-pages.ts';
import { eventWith } from './events.ts';
import { ipcMain } from './ipc-main.ts';
import type { MessagePortMain } from './message-ports.ts';
import { PageLink, type Sent } from './page-link.ts';
import { record } from './recorded.ts';
import { fromWeb, toWeb } from './schemes.ts';
import { defaultSession } from './session.ts';

type WindowOpenHandler = (details: { url: string; frameName: string; features: string; disposition: string }) => { action: 'allow' | 'deny' };

/** Permissions of Chromium by the names that Electron's handlers hear. */
const permissionNames: Readonly<Record<string, string>> = {
  'clipboard-write': 'clipboard-sanitized-write',
  'clipboard-read': 'clipboard-read',
  geolocation: 'geolocation',
  notifications: 'notifications',
  camera: 'media',
  midi: 'midi',
};

export interface FrameState {
  readonly url: string;
  readonly parent: unknown;
  isDestroyed(): boolean;
  postMessage(channel: string, message: unknown, transfer?: readonly MessagePortMain[]): void;
}

let lastId = 0;

/** A page of Chromium, as the main process has it. */
export class WebContents extends EventEmitter {
  readonly id = ++lastId;
  readonly session = defaultSession;
  readonly page: Promise<Page>;
  readonly #link: Promise<PageLink>;
  #windowOpenHandler: WindowOpenHandler = () => ({ action: 'allow' });
  /** The navigation that the main process has asked for, which nobody is asked about. */
  #asked: string | undefined;
  /** An answer in the place of the session's, for a page that took over. */
  #forced: { readonly url: string; readonly html: string } | undefined;
  #url = '';
  #isDestroyed = false;
  #isPopupDenied = false;

  constructor(preloadFile: string, size: { width: number; height: number }) {
    super();
    const made = pages().then(async (context) => {
      const page = await context.newPage();
      await page.setViewportSize(size);
      return page;
    });
    this.#link = made.then((page) =>
      PageLink.open(page, {
        preloadFile,
        onSent: (sent) => this.#sent(sent),
        onWindowOpen: (url) => {
          this.#windowOpen(fromWeb(url));
        },
      }),
    );
    this.page = Promise.all([made, this.#link]).then(async ([page]) => {
      await this.#follow(page);
      return page;
    });
  }

  get mainFrame(): FrameState {
    const { url } = this.#forced ?? { url: this.#url };
    return this.frame({ url, parent: null });
  }

  /** A frame as an event of the page names it. */
  frame(parts: { url: string; parent: unknown }): FrameState {
    return {
      ...parts,
      isDestroyed: () => this.#isDestroyed,
      postMessage: (channel, message, transfer = []) => {
        this.postMessage(channel, message, transfer);
      },
    };
  }

  getURL(): string {
    return this.#forced?.url ?? this.#url;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  async loadURL(url: string): Promise<void> {
    const page = await this.page;
    this.#asked = url;
    await this.#grant(page, url);
    await page.goto(toWeb(url));
  }

  reload(): void {
    void this.page.then(async (page) => {
      this.#asked = this.#url;
      await page.reload();
    });
  }

  /** Puts a page of the test's in the place of the console, past everything that the program does against it. */
  async force(url: string, html: string): Promise<void> {
    const page = await this.page;
    this.#forced = { url, html };
    this.#asked = url;
    await page.goto(toWeb(url));
  }

  send(channel: string, ...words: unknown[]): void {
    void this.#link.then((link) => {
      link.deliver(channel, words);
    });
  }

  postMessage(channel: string, message: unknown, transfer: readonly MessagePortMain[] = []): void {
    void this.#link.then((link) => {
      link.deliver(channel, [message], transfer);
    });
  }

  async dragged(name: string, path: string): Promise<void> {
    (await this.#link).dragged(name, path);
  }

  setWindowOpenHandler(handler: WindowOpenHandler): void {
    this.#windowOpenHandler = handler;
  }

  startDrag({ file, files = [file], icon }: { file: string; files?: string[]; icon: string }): void {
    record.drags.push({ files, icon, areThere: files.every((one) => existsSync(one)) && existsSync(icon) });
  }

  async destroy(): Promise<void> {
    this.#isDestroyed = true;
    (await this.#link).end();
    const page = await this.page;
    await page.close({ runBeforeUnload: false });
  }

  async #follow(page: Page): Promise<void> {
    page.on('framenavigated', (frame) => {
      if (frame === page.mainFrame()) this.#url = fromWeb(page.url()).replace(/#.*$/, '');
    });
    page.on('pageerror', (fault) => record.pageErrors.push(String(fault)));
    page.on('console', (message) => {
      if (message.type() === 'error') record.pageErrors.push(message.text());
    });
    page.on('popup', (popup) => {
      // Chromium has made it before anybody could be asked.
      if (this.#isPopupDenied) void popup.close();
      else record.popups.push(fromWeb(popup.url()));
    });
    await page.route('**/*', (route) => this.#answer(page, route));
  }

  #windowOpen(url: string): void {
    const { action } = this.#windowOpenHandler({ url, frameName: '', features: '', disposition: 'foreground-tab' });
    this.#isPopupDenied = action === 'deny';
  }

  /** Decides about a request as Electron does, and answers it by the session's handlers: there is no network. */
  async #answer(page: Page, route: Route): Promise<void> {
    const request = route.request();
    const url = fromWeb(request.url());
    const isMain = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (isMain && this.#asked !== url) {
      const event = eventWith({ url, isMainFrame: true });
      this.emit('will-navigate', event);
      if (event.defaultPrevented) {
        await route.abort('aborted');
        return;
      }
    }
    if (request.isNavigationRequest() && !isMain) {
      const event = eventWith({ url, isMainFrame: false });
      this.emit('will-frame-navigate', event);
      if (event.defaultPrevented) {
        await route.abort('aborted');
        return;
      }
    }
    if (isMain) {
      this.#asked = undefined;
      this.emit('did-start-navigation', { url, isMainFrame: true, isSameDocument: false });
    }
    if (this.#forced?.url === url) {
      await route.fulfill({ contentType: 'text/html', body: this.#forced.html });
      return;
    }
    if (await this.session.isCancelled(url, request.resourceType())) {
      await route.abort('blockedbyclient');
      return;
    }
    const handler = this.session.schemeHandlers.get(new URL(url).protocol.replace(':', ''));
    if (handler === undefined) {
      record.escaped.push(url);
      await route.abort('internetdisconnected');
      return;
    }
    const response = await handler(new Request(url, { method: request.method() }));
    const body = Buffer.from(await response.arrayBuffer());
    await route.fulfill({ status: response.status, headers: Object.fromEntries(response.headers), body });
  }

  /** Gives the page in Chromium what the program's handlers grant it. */
  async #grant(page: Page, url: string): Promise<void> {
    this.#url = url;
    const granted: string[] = [];
    for (const [ours, theirs] of Object.entries(permissionNames)) {
      const { check, request } = await this.session.isGranted(this, theirs);
      if (check && request) granted.push(ours);
    }
    await page.context().clearPermissions();
    await page.context().grantPermissions(granted, { origin: new URL(toWeb(url)).origin });
  }

  async #sent(sent: Sent): Promise<unknown> {
    const event = { sender: this, senderFrame: this.mainFrame, ports: [] };
    if (sent.type === 'invoke') return ipcMain.invoke(sent.channel, event, sent.words);
    ipcMain.emit(sent.channel, event, ...sent.words);
    return undefined;
  }
}
