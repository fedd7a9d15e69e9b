import type { MenuItemConstructorOptions } from 'electron';

export interface MenuActions {
  readonly show: (path: string) => void;
  readonly takeCps: () => void;
  readonly openDocumentation: () => void;
}

/** The items of the program's own, with the screens that they open. */
function ownItems(actions: MenuActions): MenuItemConstructorOptions[] {
  const opening = (label: string, path: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    ...(accelerator !== undefined && { accelerator }),
    click: () => {
      actions.show(path);
    },
  });
  return [
    opening('Overview…', '/', 'CmdOrCtrl+1'),
    opening('New volume…', '/volumes', 'CmdOrCtrl+N'),
    opening('Pair…', '/pairing'),
    { type: 'separator' },
    {
      label: 'Take a CP now',
      click: () => {
        actions.takeCps();
      },
    },
  ];
}

/** The menu of the program: what each system expects, and the program's own. */
export function appMenu(actions: MenuActions, options: { platform: NodeJS.Platform; isPackaged: boolean }): MenuItemConstructorOptions[] {
  const isMac = options.platform === 'darwin';
  const documentation: MenuItemConstructorOptions = {
    label: 'Documentation',
    click: () => {
      actions.openDocumentation();
    },
  };
  const settings: MenuItemConstructorOptions = {
    label: 'Settings…',
    accelerator: 'CmdOrCtrl+,',
    click: () => {
      actions.show('/settings');
    },
  };
  const closing: MenuItemConstructorOptions[] = isMac ? [{ role: 'close' }] : [settings, { type: 'separator' }, { role: 'close' }, { role: 'quit' }];
  const developing: MenuItemConstructorOptions[] = options.isPackaged ? [] : [{ type: 'separator' }, { role: 'toggleDevTools' }];
  return [
    ...(isMac ? [macMenu(settings)] : []),
    { label: '&File', submenu: [...ownItems(actions), { type: 'separator' }, ...closing] },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [{ role: 'reload' }, { type: 'separator' }, { role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { role: 'togglefullscreen' }, ...developing],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [documentation] },
  ];
}

function macMenu(settings: MenuItemConstructorOptions): MenuItemConstructorOptions {
  return {
    role: 'appMenu',
    submenu: [
      { role: 'about' },
      { type: 'separator' },
      settings,
      { type: 'separator' },
      { role: 'services' },
      { type: 'separator' },
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      { type: 'separator' },
      { role: 'quit' },
    ],
  };
}
