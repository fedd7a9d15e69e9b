import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { answers, reader, record } from './recorded.ts';

interface MenuItemOptions {
  readonly label?: string;
  readonly role?: string;
  readonly type?: string;
  readonly submenu?: MenuItemOptions[];
  readonly click?: () => void;
}

export class Menu {
  static application: Menu | undefined;
  readonly items: readonly MenuItemOptions[];

  constructor(items: readonly MenuItemOptions[]) {
    this.items = items;
  }

  static buildFromTemplate(template: readonly MenuItemOptions[]): Menu {
    return new Menu(template);
  }

  static setApplicationMenu(menu: Menu): void {
    Menu.application = menu;
  }

  /** Clicks the item that the labels lead to. */
  click(labels: readonly string[]): void {
    let items = this.items;
    let found: MenuItemOptions | undefined;
    for (const label of labels) {
      found = items.find((item) => item.label === label || item.role === label);
      if (found === undefined) throw new Error(`no '${label}' among ${items.map((item) => item.label ?? item.role ?? item.type ?? '').join(', ')}`);
      items = found.submenu ?? [];
    }
    found?.click?.();
  }
}

export class Tray extends EventEmitter {
  static current: Tray | undefined;
  image: string;
  tooltip = '';
  menu: Menu | undefined;

  constructor(image: string) {
    super();
    if (process.env.ELECTRON_DOUBLE_TRAY === '0') throw new Error('no tray on this system');
    this.image = image;
    this.setImage(image);
    Tray.current = this;
  }

  setImage(image: string): void {
    if (!existsSync(image)) throw new Error(`Failed to load image from path '${image}'`);
    this.image = image;
  }

  setToolTip(tooltip: string): void {
    this.tooltip = tooltip;
  }

  setContextMenu(menu: Menu): void {
    this.menu = menu;
  }

  destroy(): void {
    Tray.current = undefined;
  }
}

export class Notification extends EventEmitter {
  static readonly shown: Notification[] = [];
  readonly #options: { title: string; body: string };

  constructor(options: { title: string; body: string }) {
    super();
    this.#options = options;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    record.notifications.push(this.#options);
    Notification.shown.push(this);
  }

  close(): void {
    this.emit('close');
  }
}

interface MessageBoxOptions {
  readonly message: string;
  readonly detail?: string;
  readonly buttons?: string[];
}

interface OpenDialogOptions {
  readonly title: string;
  readonly properties: string[];
}

export const dialog = {
  showErrorBox(title: string, content: string): void {
    record.errorBoxes.push({ title, content });
  },

  async showMessageBox(...words: readonly unknown[]): Promise<{ response: number }> {
    const { message, detail = '', buttons = [] } = words.at(-1) as MessageBoxOptions;
    record.messageBoxes.push({ message, detail, buttons });
    if (reader.isSlow) await new Promise<void>((resolve) => (reader.done = resolve));
    return { response: answers.messageBoxes.shift() ?? 0 };
  },

  async showOpenDialog(...words: readonly unknown[]): Promise<{ canceled: boolean; filePaths: string[] }> {
    const { title, properties } = words.at(-1) as OpenDialogOptions;
    record.openDialogs.push({ title, properties });
    const filePaths = answers.openDialogs.shift();
    return { canceled: filePaths === undefined, filePaths: filePaths ?? [] };
  },
};

export const shell = {
  async openExternal(url: string): Promise<void> {
    record.openedOutside.push(url);
  },

  async openPath(path: string): Promise<string> {
    record.openedPaths.push(path);
    return existsSync(path) ? '' : 'no such file';
  },
};

export const powerMonitor = new EventEmitter();

class NativeTheme extends EventEmitter {
  shouldUseDarkColors = false;
}

export const nativeTheme = new NativeTheme();

const display = { workArea: { x: 0, y: 0, width: 1600, height: 1000 } };

export const screen = {
  getPrimaryDisplay: () => display,
  getAllDisplays: () => [display],
};
