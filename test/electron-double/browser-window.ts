import { EventEmitter } from 'node:events';
import { app } from './app.ts';
import { eventWith, PreventableEvent } from './events.ts';
import { WebContents } from './web-contents.ts';

interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface WindowOptions extends Bounds {
  readonly title: string;
  readonly show?: boolean;
  readonly backgroundColor?: string;
  readonly webPreferences: Readonly<Record<string, unknown>> & { readonly preload: string };
}

const windows = new Set<BrowserWindow>();

/** A window, whose page is one of Chromium's. */
export class BrowserWindow extends EventEmitter {
  readonly options: WindowOptions;
  readonly webContents: WebContents;
  bounds: Bounds;
  title: string;
  progress = -1;
  backgroundColor: string;
  #isVisible: boolean;
  #isMinimized = false;
  #isMaximized = false;
  #isDestroyed = false;

  constructor(options: WindowOptions) {
    super();
    if (!app.isReady()) throw new Error('Cannot create BrowserWindow before app is ready');
    this.options = options;
    const { x, y, width, height } = options;
    this.bounds = { x, y, width, height };
    this.title = options.title;
    this.backgroundColor = options.backgroundColor ?? '';
    this.#isVisible = options.show !== false;
    this.webContents = new WebContents(options.webPreferences.preload, this.bounds);
    windows.add(this);
    app.emit('web-contents-created', new PreventableEvent(), this.webContents);
  }

  static getAllWindows(): BrowserWindow[] {
    return [...windows];
  }

  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url);
  }

  show(): void {
    this.#isVisible = true;
  }

  hide(): void {
    this.#isVisible = false;
  }

  focus(): void {
    this.emit('focus');
  }

  isVisible(): boolean {
    return this.#isVisible;
  }

  minimize(): void {
    this.#isMinimized = true;
  }

  isMinimized(): boolean {
    return this.#isMinimized;
  }

  restore(): void {
    this.#isMinimized = false;
  }

  maximize(): void {
    this.#isMaximized = true;
  }

  isMaximized(): boolean {
    return this.#isMaximized;
  }

  setBounds(bounds: Bounds): void {
    this.bounds = bounds;
  }

  getNormalBounds(): Bounds {
    return this.bounds;
  }

  setTitle(title: string): void {
    this.title = title;
  }

  setProgressBar(progress: number): void {
    this.progress = progress;
  }

  setBackgroundColor(color: string): void {
    this.backgroundColor = color;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** As a person closes it: the program is asked first. */
  async close(): Promise<void> {
    const event = new PreventableEvent();
    this.emit('close', event);
    if (!event.defaultPrevented) await this.destroy();
  }

  async destroy(): Promise<void> {
    this.#isDestroyed = true;
    windows.delete(this);
    await this.webContents.destroy();
    this.emit('closed');
    if (windows.size === 0) app.emit('window-all-closed');
  }

  /** The page says what it is called. */
  pageTitled(title: string): void {
    const event = eventWith({ title });
    this.emit('page-title-updated', event);
    if (!event.defaultPrevented) this.title = title;
  }
}
