import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { contentSecurityPolicy } from '../../src-main/shells/console-files.ts';
import { bridgeChannels } from '../../src-main/shells/electron/bridge-channels.ts';
import { refusalsNotedMax } from '../../src-main/shells/electron/limits.ts';
import { mayOpenOutside } from '../../src-main/shells/electron/lockdown.ts';
import { describeInChromium } from '../browser/chromium.ts';
import { builtDesktop, projectFolder } from '../electron-double/built-desktop.ts';
import type { DesktopLook, DesktopProcess } from '../electron-double/desktop-process.ts';
import { DesktopPlace, soon, untilConsole } from './desktop-place.ts';

/*
 * Electron's list of what to see to, by its numbers
 * (https://www.electronjs.org/docs/latest/tutorial/security).
 */

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const readProject = (...path: string[]): string => readFileSync(join(projectFolder, ...path), 'utf8');

const configuration = JSON.parse(readProject('resources', 'electron-builder.json')) as { electronVersion?: string; electronFuses: Record<string, boolean> };
const manifest = JSON.parse(readProject('package.json')) as { devDependencies: Record<string, string> };

const shellFolder = join(projectFolder, 'src-main', 'shells', 'electron');
const shellSources = readdirSync(shellFolder).map((name) => readFileSync(join(shellFolder, name), 'utf8'));
const rendererSources = readdirSync(join(projectFolder, 'src-renderer'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

/** Permissions that a page can ask for, by Electron's names, but the one that is granted. */
const permissions = [
  ...['clipboard-read', 'deprecated-sync-clipboard-read', 'display-capture', 'fileSystem', 'fullscreen', 'geolocation', 'hid', 'idle-detection'],
  ...['keyboardLock', 'local-fonts', 'local-network-access', 'media', 'mediaKeySystem', 'midi', 'midiSysex', 'notifications', 'openExternal'],
  ...['persistent-storage', 'pointerLock', 'screen-wake-lock', 'sensors', 'serial', 'speaker-selection', 'storage-access', 'usb', 'window-management', 'unknown'],
];

describeInChromium('the list of Electron, in a running program', () => {
  const place = new DesktopPlace();
  let desktop: DesktopProcess;
  let look: DesktopLook;

  async function refusals(): Promise<string> {
    const { events } = await (await place.client()).events.list({ limit: 1000 });
    return events.flatMap(({ subject, text }) => (subject === 'window' ? [text] : [])).join('\n');
  }

  const preferences = (): Readonly<Record<string, unknown>> => look.windows[0]!.options.webPreferences;

  beforeAll(async () => {
    desktop = await place.start();
    await untilConsole(desktop);
    look = await desktop.look();
  });

  afterAll(() => place[Symbol.asyncDispose]());

  it('1: only secure content is loaded: what is not the console’s own never leaves', async () => {
    const outcomes = await desktop.inPage(async () => {
      const image = new Promise((resolve) => {
        const picture = new Image();
        picture.onload = () => resolve('loaded');
        picture.onerror = () => resolve('refused');
        picture.src = 'http://elsewhere.invalid/picture.png';
      });
      const fetched = fetch('https://elsewhere.invalid/').then(() => 'loaded', () => 'refused');
      return Promise.all([image, fetched]);
    });
    expect(outcomes).toEqual(['refused', 'refused']);
    // Past the policy of the page there is another wall.
    expect(await desktop.order('isCancelled', 'https://elsewhere.invalid/')).toBe(true);
    expect(await desktop.order('isCancelled', 'file:///etc/passwd')).toBe(true);
    expect(await desktop.order('isCancelled', 'app://elsewhere/')).toBe(true);
    expect(await desktop.order('isCancelled', 'app://console/index.html')).toBe(false);
    expect((await desktop.look()).escaped).toEqual([]);
  });

  it('2: the page has no Node', async () => {
    expect(preferences()).toMatchObject({ nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false });
    expect(await desktop.inPage(() => ['require', 'process', 'Buffer', 'global', '__dirname'].filter((name) => name in window))).toEqual([]);
  });

  it('3: the preload script has a world of its own', async () => {
    expect(preferences()).toMatchObject({ contextIsolation: true });
    // What it has in its world is not in the page's.
    expect(await desktop.inPage(() => 'hearMainProcess' in window || 'sendToMainProcess' in window)).toBe(false);
  });

  it('4: every page is sandboxed, and the preload script does with what a sandbox has', async () => {
    expect(look.isSandboxed).toBe(true);
    expect(preferences()).toMatchObject({ sandbox: true });
    const preload = readFileSync(join(await builtDesktop(), 'preload', 'preload.cjs'), 'utf8');
    expect([...preload.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name)).toEqual(['electron']);
    expect(preload).not.toMatch(/^import |\bimport\(/m);
  });

  it('5: no permission is granted but to copy a text, and that to the console alone', async () => {
    for (const permission of permissions) expect(await desktop.order('permission', permission), permission).toEqual({ check: false, request: false });
    expect(await desktop.order('permission', 'clipboard-sanitized-write')).toEqual({ check: true, request: true });
    expect(await desktop.order('device')).toBe(false);
    expect(await desktop.order('download', 'app://console/index.html')).toBe(true);
    const inPage = await desktop.inPage(async () => {
      const geolocation = new Promise((resolve) => {
        navigator.geolocation.getCurrentPosition(() => resolve('granted'), ({ code }) => resolve(code));
      });
      const clipboard = await navigator.permissions.query({ name: 'clipboard-write' as PermissionName });
      const reading = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName });
      return [await geolocation, clipboard.state, reading.state === 'granted'];
    });
    expect(inPage).toEqual([1, 'granted', false]);
  });

  it('6: the browser’s own walls stand', () => {
    expect(preferences()).toMatchObject({ webSecurity: true });
  });

  it('7: a policy says what may run, on every answer, and it holds', async () => {
    expect(contentSecurityPolicy).not.toMatch(/unsafe|data:|http|\*/);
    expect(contentSecurityPolicy).toContain("default-src 'none'");
    const outcome = await desktop.inPage(async () => {
      const violations = new Set<string>();
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.add(effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.planted = true;';
      document.body.append(script);
      const frame = document.createElement('iframe');
      frame.src = '/index.html';
      document.body.append(frame);
      const headers = await Promise.all(['/', '/index.html', document.scripts[0]!.src].map(async (path) => (await fetch(path)).headers.get('content-security-policy')));
      while (violations.size < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      script.remove();
      frame.remove();
      return { planted: 'planted' in window, violations: [...violations].sort(), headers };
    });
    expect(outcome).toEqual({ planted: false, violations: ['frame-src', 'script-src-elem'], headers: [contentSecurityPolicy, contentSecurityPolicy, contentSecurityPolicy] });
  });

  it('8: insecure content is not allowed to run', () => {
    expect(preferences()).toMatchObject({ allowRunningInsecureContent: false });
  });

  it('9: no experimental features are on', () => {
    expect(preferences()).toMatchObject({ experimentalFeatures: false });
  });

  it('10: no features of the engine are switched on by name', () => {
    expect(Object.keys(preferences())).not.toContain('enableBlinkFeatures');
    expect(shellSources.join('\n')).not.toMatch(/enableBlinkFeatures|appendSwitch|appendArgument/);
  });

  it('11: there are no webviews, so that none may open windows', () => {
    expect(preferences()).toMatchObject({ webviewTag: false });
    expect(rendererSources.join('\n')).not.toMatch(/<webview|allowpopups/i);
  });

  it('12: a webview is refused before it is there', async () => {
    expect(await desktop.order('attachWebview')).toBe(true);
    await expect.poll(refusals, soon).toContain('a page inside the page');
  });

  it('13: the page goes nowhere, by script, link, redirect or drop', async () => {
    await desktop.inPage(() => {
      document.title = 'still here';
      location.href = 'https://elsewhere.invalid/';
    });
    await desktop.inPage(() => {
      location.href = `${location.origin}/assets/other.html`;
    });
    await desktop.inPage(() => {
      const link = document.createElement('a');
      link.href = 'https://elsewhere.invalid/link';
      link.click();
    });
    await expect.poll(refusals, soon).toMatch(/a way to https:\/\/elsewhere\.invalid\/\.[^]*a way to app:\/\/console\/assets\/other\.html\.[^]*a way to https:\/\/elsewhere\.invalid\/link\./);
    expect(await desktop.inPage(() => document.title)).toBe('still here');
    expect(await desktop.order('redirect', 'https://elsewhere.invalid/')).toBe(true);
    expect(preferences()).toMatchObject({ navigateOnDragDrop: false });
    expect((await desktop.look()).escaped).toEqual([]);
    await desktop.inPage(() => {
      location.reload();
    });
    await expect.poll(() => desktop.inPage(() => document.title).catch(() => ''), soon).toBe('Overview – Mirrorpoint');
  });

  it('14: the page opens no window', async () => {
    await untilConsole(desktop);
    await desktop.inPage(() => {
      window.open('https://elsewhere.invalid/window');
    });
    await expect.poll(refusals, soon).toContain('a new window for https://elsewhere.invalid/window');
    expect(await desktop.look()).toMatchObject({ popups: [], escaped: [], windows: [{ url: 'app://console/' }] });
  });

  it('15: nothing is handed to the system but https addresses of our own documents', async () => {
    const own = ['https://documents.example/mirrorpoint/'];
    expect(mayOpenOutside('https://documents.example/mirrorpoint/failover', own)).toBe(true);
    for (const url of [
      'https://documents.example/other',
      'https://documents.example.evil.example/mirrorpoint/',
      'https://documents.example@evil.example/mirrorpoint/',
      'https://user:secret@documents.example/mirrorpoint/',
      'http://documents.example/mirrorpoint/',
      'file:///etc/passwd',
      'smb://documents.example/mirrorpoint/',
      'javascript:alert(1)',
      'nonsense',
    ]) {
      expect(mayOpenOutside(url, own), url).toBe(false);
    }
    // The documents come with the program, so that the list is empty.
    expect(mayOpenOutside('https://documents.example/mirrorpoint/')).toBe(false);
    expect((await desktop.look()).openedOutside).toEqual([]);
  });

  it('16: the Electron is the one that the project pins, which packages take over', () => {
    const installed = JSON.parse(readProject('node_modules', 'electron', 'package.json')) as { version: string };
    expect(manifest.devDependencies.electron).toBe(installed.version);
    expect(configuration.electronVersion).toBeUndefined();
  });

  it('17: a message counts only from the console’s own main frame', async () => {
    const ask = (from: { url: string; isInside: boolean }): Promise<unknown> => desktop.order('invokeFrom', { ...from, channel: bridgeChannels.setOpenAtLogin, words: [true] });
    const refusal = { fault: { code: 'argument-invalid', message: 'Only the console itself may ask for this.' } };
    expect(await ask({ url: 'https://elsewhere.invalid/', isInside: false })).toEqual(refusal);
    expect(await ask({ url: 'app://elsewhere/', isInside: false })).toEqual(refusal);
    expect(await ask({ url: 'app://console.elsewhere.invalid/', isInside: false })).toEqual(refusal);
    expect(await ask({ url: 'app://console/', isInside: true })).toEqual(refusal);
    expect(await desktop.inPage(() => window.mirrorpointDesktop!.openAtLogin())).toBe(false);
    for (const channel of [bridgeChannels.connect, bridgeChannels.listening, bridgeChannels.startDrag]) {
      await desktop.order('sendFrom', { url: 'https://elsewhere.invalid/', isInside: false, channel, words: [] });
    }
    await expect.poll(refusals, soon).toContain('a message on mirrorpoint:connect from https://elsewhere.invalid/');
  });

  it('18: pages come by a scheme of their own, and no file does', async () => {
    expect(look.schemes).toEqual({ app: { standard: true, secure: true, supportFetchAPI: true } });
    expect(look.windows).toMatchObject([{ url: 'app://console/' }]);
    expect(shellSources.join('\n')).not.toMatch(/\bloadFile\b|file:\/\//);
    expect(await desktop.inPage(() => fetch('/settings.json').then(({ status }) => status))).toBe(404);
    expect(await desktop.inPage(() => fetch('/..%2f..%2fpackage.json').then(({ status }) => status))).toBe(404);
  });

  it('19: every fuse is set, and to what is safer', () => {
    expect(configuration.electronFuses).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    });
  });

  it('20: a page that took the window over gets the bridge, and nothing by it', async () => {
    await desktop.order('force', { url: 'https://elsewhere.invalid/', html: '<!doctype html><title>taken over</title>' });
    expect(await desktop.inPage(() => document.title)).toBe('taken over');
    const outcomes = await desktop.inPage(async () => {
      const bridge = window.mirrorpointDesktop!;
      let isConnected = false;
      addEventListener('message', () => {
        isConnected = true;
      });
      bridge.connect();
      const code = (thrown: unknown): string => (thrown as { code: string }).code;
      const asked = await Promise.all([
        bridge.chooseFolder({ title: 'x' }).catch(code),
        bridge.stageDrag({ volume: 'work', at: 'live', paths: ['/'] }).catch(code),
        bridge.setOpenAtLogin(true).catch(code),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { asked, isConnected };
    });
    expect(outcomes).toEqual({ asked: ['argument-invalid', 'argument-invalid', 'argument-invalid'], isConnected: false });
    expect(await desktop.order('permission', 'clipboard-sanitized-write')).toEqual({ check: false, request: false });
    expect((await desktop.look()).openDialogs).toEqual([]);
  });

  it('beside the list: a page cannot fill the events by being refused', async () => {
    for (let time = 0; time <= refusalsNotedMax; time++) await desktop.order('sendFrom', { url: 'https://elsewhere.invalid/', isInside: false, channel: bridgeChannels.connect, words: [] });
    const noted = (await refusals()).split('\n').filter((text) => text.startsWith('The window was refused'));
    expect(noted).toHaveLength(refusalsNotedMax);
    expect(noted.at(-1)).toContain('Further refusals are not noted');
  });
});

describe('what the shell gives pages', () => {
  it('is no part of Electron: the preload script exposes the bridge alone', () => {
    const preload = readProject('src-main', 'shells', 'electron', 'preload.ts');
    expect(preload.match(/exposeInMainWorld\(/g)).toHaveLength(1);
    expect(preload).not.toMatch(/exposeInMainWorld\([^)]*(ipcRenderer|electron)\b/);
  });
});
