import { join } from 'node:path';
import { Menu, Tray } from 'electron';
import { quietTrayView, type TrayMark, type TrayView } from './tray-view.ts';

export interface TrayActions {
  readonly show: (path?: string) => void;
  readonly quit: () => void;
}

/** On macOS the icon is a template, which the system colours for its bar. */
function iconFile(iconFolder: string, mark: TrayMark): string {
  return join(iconFolder, process.platform === 'darwin' ? `tray-${mark}-Template.png` : `tray-${mark}.png`);
}

/** The program's icon in the bar of the system, for as long as the program runs. */
export class StatusTray {
  readonly #tray: Tray;
  readonly #iconFolder: string;
  readonly #actions: TrayActions;
  #mark: TrayMark;
  #shown = '';

  private constructor(tray: Tray, parts: { iconFolder: string; actions: TrayActions; mark: TrayMark }) {
    this.#tray = tray;
    this.#iconFolder = parts.iconFolder;
    this.#actions = parts.actions;
    this.#mark = parts.mark;
  }

  /** Undefined where the system has no place for it. */
  static open(parts: { iconFolder: string; actions: TrayActions }): StatusTray | undefined {
    const first = quietTrayView('Starting');
    try {
      const tray = new Tray(iconFile(parts.iconFolder, first.mark));
      const made = new StatusTray(tray, { ...parts, mark: first.mark });
      tray.on('click', () => {
        // A click opens the menu on macOS, by itself.
        if (process.platform !== 'darwin') parts.actions.show();
      });
      made.show(first);
      return made;
    } catch {
      return undefined;
    }
  }

  /** Shows a view, if it differs from what is shown. */
  show(view: TrayView): void {
    const text = JSON.stringify(view);
    if (text === this.#shown) return;
    this.#shown = text;
    if (view.mark !== this.#mark) this.#tray.setImage(iconFile(this.#iconFolder, view.mark));
    this.#mark = view.mark;
    this.#tray.setToolTip(view.tooltip);
    const { show, quit } = this.#actions;
    const item = ({ text: label, path }: TrayView['headline']) => ({
      label,
      click: () => {
        show(path);
      },
    });
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        item(view.headline),
        { type: 'separator' },
        ...view.lines.map(item),
        ...(view.lines.length === 0 ? [] : [{ type: 'separator' } as const]),
        {
          label: 'Open Mirrorpoint',
          click: () => {
            show();
          },
        },
        {
          label: 'Quit Mirrorpoint',
          click: () => {
            quit();
          },
        },
      ]),
    );
  }

  close(): void {
    this.#tray.destroy();
  }
}
