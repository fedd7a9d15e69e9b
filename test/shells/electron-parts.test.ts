import { describe, expect, it } from 'vitest';
import { type Alert, alertPath, type RelationshipStatus, type ServerEvent, type ServerStatus } from '../../src-main/contract/index.ts';
import { appMenu } from '../../src-main/shells/electron/app-menu.ts';
import { autostartEntry, isEntryOn } from '../../src-main/shells/electron/autostart-entry.ts';
import { desktopOptions } from '../../src-main/shells/electron/desktop-options.ts';
import { notificationsAtOnceMax, tooltipLengthMax, trayLinesMax } from '../../src-main/shells/electron/limits.ts';
import { NotificationChoice } from '../../src-main/shells/electron/notification-choice.ts';
import { stagedName } from '../../src-main/shells/electron/staged-name.ts';
import { trayView } from '../../src-main/shells/electron/tray-view.ts';
import { windowBounds } from '../../src-main/shells/electron/window-bounds.ts';
import { closeAction } from '../../src-main/shells/electron/window-close.ts';

describe('the words of a start', () => {
  it('are found among those that the system adds', () => {
    expect(desktopOptions(['/program', '--allow-file-access', '--hidden', '--config', '/a', '--x=y'])).toEqual({ isHidden: true, configFolder: '/a' });
    expect(desktopOptions(['/program', '--config=/b'])).toEqual({ isHidden: false, configFolder: '/b' });
    expect(desktopOptions(['/program'])).toEqual({ isHidden: false, configFolder: undefined });
  });
});

describe('the place of the window', () => {
  const first = { x: 0, y: 0, width: 1920, height: 1040 };
  const second = { x: 1920, y: 0, width: 1280, height: 984 };

  it('is the middle of the first screen, when nothing is known', () => {
    expect(windowBounds([first, second], undefined)).toEqual({ x: 340, y: 110, width: 1240, height: 820 });
  });

  it('is where it was left, on any screen', () => {
    const left = { x: 2000, y: 40, width: 1000, height: 700, isMaximized: false };
    expect(windowBounds([first, second], left)).toEqual({ x: 2000, y: 40, width: 1000, height: 700 });
  });

  it.each([
    ['the screen is gone', { x: 2000, y: 40, width: 1000, height: 700, isMaximized: false }],
    ['its title is above the screen', { x: 100, y: -200, width: 1000, height: 700, isMaximized: false }],
    ['only a strip of it is there', { x: 1900, y: 40, width: 1000, height: 700, isMaximized: false }],
  ])('is the middle again when %s', (_why, left) => {
    expect(windowBounds([first], left)).toEqual({ x: 460, y: 170, width: 1000, height: 700 });
  });

  it('is no larger than the screen, and no smaller than the console can be', () => {
    const left = { x: 0, y: 0, width: 5000, height: 100, isMaximized: false };
    expect(windowBounds([first], left)).toMatchObject({ width: 1920, height: 600 });
    expect(windowBounds([{ x: 0, y: 0, width: 640, height: 480 }], undefined)).toMatchObject({ width: 900, height: 600 });
  });
});

describe('closing the window', () => {
  const state = { isEnding: false, hasTray: true, servesVolumes: true, platform: 'linux' } as const;

  it.each([
    ['hides it while volumes are served', state, 'hide'],
    ['ends a program that serves nothing', { ...state, servesVolumes: false }, 'quit'],
    ['ends a program that nobody would find again', { ...state, hasTray: false }, 'quit'],
    ['leaves the program in the dock', { ...state, hasTray: false, servesVolumes: false, platform: 'darwin' }, 'hide'],
    ['closes it while the program ends', { ...state, isEnding: true }, 'close'],
  ] as const)('%s', (_what, given, action) => {
    expect(closeAction(given)).toBe(action);
  });
});

function relationship(volume: string, verdict: RelationshipStatus['verdict'], peerName = 'office'): RelationshipStatus {
  return { volume, role: 'primary', address: 'ipc://office', peerName, verdict } as RelationshipStatus;
}

function status(parts: Partial<Pick<ServerStatus, 'volumes' | 'relationships' | 'alerts'>>): ServerStatus {
  return { volumes: [], relationships: [], alerts: [], ...parts } as unknown as ServerStatus;
}

function volume(name: string, more: object = {}): ServerStatus['volumes'][number] {
  return { name, role: 'primary', state: 'open', ...more } as unknown as ServerStatus['volumes'][number];
}

const alert: Alert = { kind: 'device-errors', level: 'warning', subject: 'volume home', text: 'A device fails.', next: 'Replace it.', sinceWallMs: 0 };

describe('what the tray says', () => {
  it('is the worst of all verdicts, in words and by the shape of its icon', () => {
    const good = relationship('home', { level: 'good', sentence: 'Both are identical.' });
    const bad = relationship('work', { level: 'attention', sentence: 'The mirror is 5 minutes behind.' });
    const view = trayView(status({ volumes: [volume('home'), volume('work')], relationships: [good, bad] }));
    expect(view).toMatchObject({
      mark: 'attention',
      tooltip: 'Mirrorpoint. Needs attention: work to office: The mirror is 5 minutes behind.',
      headline: { text: 'Needs attention: work to office: The mirror is 5 minutes behind.', path: '/' },
    });
    expect(view.lines.map(({ text }) => text)).toEqual(['home to office: Both are identical.', 'work to office: The mirror is 5 minutes behind.']);
    expect(trayView(status({ volumes: [volume('home')], relationships: [good] }))).toMatchObject({ mark: 'normal', tooltip: 'Mirrorpoint. All is well: home to office: Both are identical.' });
  });

  it('counts a volume that is not served as a problem, and an alert as much as its level', () => {
    const failed = volume('work', { state: 'failed', fault: { code: 'device-not-found', message: 'There is no device.' } });
    expect(trayView(status({ volumes: [failed] }))).toMatchObject({ mark: 'problem', headline: { text: 'Problem: work is not served: There is no device.', path: '/volumes' } });
    const mirrored = { volumes: [volume('home')], relationships: [relationship('home', { level: 'good', sentence: 'Both are identical.' })] };
    expect(trayView(status({ ...mirrored, alerts: [alert] }))).toMatchObject({ mark: 'attention', headline: { path: alertPath(alert) } });
    expect(trayView(status({ ...mirrored, alerts: [{ ...alert, level: 'problem' }] }))).toMatchObject({ mark: 'problem' });
  });

  it('says what to expect of a server without volumes, and of volumes without mirrors', () => {
    expect(trayView(status({}))).toMatchObject({ mark: 'normal', headline: { text: 'No volumes yet' }, lines: [] });
    const lines = trayView(status({ volumes: [volume('home'), volume('copy', { role: 'mirror' })] })).lines.map(({ text }) => text);
    expect(lines).toEqual(['home is not mirrored', 'copy waits for its primary']);
    expect(trayView(status({ volumes: [volume('home')] }))).toMatchObject({ mark: 'attention', headline: { text: 'Needs attention: home is not mirrored', path: '/pairing' } });
    expect(trayView(status({ volumes: [volume('trial', { cloneOf: 'home' })] }))).toMatchObject({ mark: 'normal', headline: { text: 'All is well: trial is a clone of home' } });
  });

  it('stays short, however much there is', () => {
    const many = Array.from({ length: 40 }, (_none, index) => relationship(`volume-${index}`, { level: 'good', sentence: 'word '.repeat(100) }));
    const view = trayView(status({ relationships: many }));
    expect(view.lines).toHaveLength(trayLinesMax + 1);
    expect(view.lines.at(-1)?.text).toBe(`and ${40 - trayLinesMax} more relationships`);
    expect(Math.max(view.tooltip.length, ...view.lines.map(({ text }) => text.length))).toBeLessThanOrEqual(tooltipLengthMax);
  });
});

function event(id: number, parts: Partial<ServerEvent>): ServerEvent {
  return { id, wallMs: 0, level: 'info', subject: 'volume work', text: 'It happened.', ...parts };
}

const raised = (id: number, level: ServerEvent['level'], subject = 'volume work'): ServerEvent =>
  event(id, { level, subject, text: 'It is behind.', next: 'Look at it.', alert: { kind: 'lag', phase: 'raised' } });
const cleared = (id: number, subject = 'volume work'): ServerEvent => event(id, { subject, text: 'No longer so.', alert: { kind: 'lag', phase: 'cleared' } });

describe('which events become notifications', () => {
  it('is the beginning and the end of an alert, each once', () => {
    const choice = new NotificationChoice([]);
    expect(choice.choose([event(1, {}), raised(2, 'warning'), raised(3, 'warning')], 'warning')).toEqual([{ title: 'Warning: volume work', body: 'It is behind. Look at it.', path: '/activity?alert=lag%20volume%20work' }]);
    expect(choice.choose([cleared(4), cleared(5)], 'warning')).toEqual([{ title: 'Over: volume work', body: 'No longer so.', path: '/activity?alert=lag%20volume%20work' }]);
    expect(choice.choose([raised(6, 'problem')], 'warning')).toMatchObject([{ title: 'Problem: volume work' }]);
  });

  it('is nothing below the chosen level, and nothing of an end whose beginning was below it', () => {
    expect(new NotificationChoice([]).choose([raised(1, 'warning'), cleared(2)], 'problem')).toEqual([]);
    expect(new NotificationChoice([]).choose([raised(1, 'problem'), cleared(2)], 'none')).toEqual([]);
    expect(new NotificationChoice([]).choose([raised(1, 'problem'), cleared(2)], 'problem')).toHaveLength(2);
  });

  it('tells of the end of an alert that stood before, and not of its beginning again', () => {
    const choice = new NotificationChoice([{ ...alert, kind: 'lag', subject: 'volume work' }]);
    expect(choice.choose([raised(1, 'warning')], 'warning')).toEqual([]);
    expect(choice.choose([cleared(2)], 'warning')).toHaveLength(1);
  });

  it('is one notice for all that is beyond a handful', () => {
    const events = Array.from({ length: 20 }, (_none, index) => raised(index + 1, 'problem', `volume ${index}`));
    const notices = new NotificationChoice([]).choose(events, 'problem');
    expect(notices).toHaveLength(notificationsAtOnceMax);
    expect(notices.at(-1)?.body).toBe(`${20 - notificationsAtOnceMax + 1} more alerts began or ended. Activity lists them.`);
  });
});

describe('the menu', () => {
  const calls: string[] = [];
  const actions = {
    show: (path: string) => calls.push(path),
    takeCps: () => calls.push('cp'),
    openDocumentation: () => calls.push('documentation'),
  };
  const click = (item: unknown): void => {
    (item as { click?: () => void }).click?.();
  };

  it.each(['linux', 'win32', 'darwin'] as const)('has what %s expects, and the program’s own', (platform) => {
    const menu = appMenu(actions, { platform, isPackaged: true });
    const items = menu.flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : []));
    expect(items.map(({ label }) => label)).toEqual(expect.arrayContaining(['Overview…', 'New volume…', 'Pair…', 'Take a CP now', 'Settings…', 'Documentation']));
    const roles = [...menu, ...items].map(({ role }) => role);
    expect(roles).toEqual(expect.arrayContaining(['editMenu', 'windowMenu', 'help', 'quit', 'close', 'reload']));
    expect(roles.includes('appMenu')).toBe(platform === 'darwin');
    expect(roles).not.toContain('toggleDevTools');
    calls.length = 0;
    for (const item of items) click(item);
    expect(calls.sort()).toEqual(['/', '/pairing', '/settings', '/volumes', 'cp', 'documentation']);
  });
});

describe('the entry for a start at login', () => {
  it('quotes the program by the rules of such entries', () => {
    const entry = autostartEntry(['/opt/a "b" $c/100%/`d`\\e', '--hidden']);
    expect(entry).toContain('Exec="/opt/a \\\\"b\\\\" \\\\$c/100%%/\\\\`d\\\\`\\\\\\\\e" "--hidden"\n');
    expect(isEntryOn(entry)).toBe(true);
  });

  it('is off when the desktop has switched it off in place', () => {
    expect(isEntryOn(autostartEntry(['/a']).replace('enabled=true', 'enabled=false'))).toBe(false);
    expect(isEntryOn(`${autostartEntry(['/a'])}Hidden=true\n`)).toBe(false);
  });
});

describe('the name of a file for the file manager', () => {
  it('is its own, and that of the volume for its root', () => {
    expect(stagedName({ path: '/a/b: c?', volume: 'work' }, 'linux')).toBe('b: c?');
    expect(stagedName({ path: '/', volume: 'work' }, 'linux')).toBe('work');
  });

  it.each([
    ['win32', '/a/b: c?*<>|".txt', 'b_ c______.txt'],
    ['win32', '/con.txt', '_con.txt'],
    ['win32', '/COM1', '_COM1'],
    ['win32', '/console', 'console'],
    ['win32', '/ends with. .', 'ends with___'],
    ['win32', '/a\\b', 'a_b'],
    ['win32', '/tab\there', 'tab_here'],
    ['darwin', '/a:b', 'a_b'],
  ] as const)('is made safe for %s: %j', (platform, path, name) => {
    expect(stagedName({ path, volume: 'work' }, platform)).toBe(name);
  });
});
