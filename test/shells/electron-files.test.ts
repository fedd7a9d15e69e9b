import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../../src-main/shells/console-files.ts';
import { consoleFileFor, serveConsoleFile } from '../../src-main/shells/electron/console-files.ts';
import { windowOptions } from '../../src-main/shells/electron/window-options.ts';

const rendererFolder = join(import.meta.dirname, '..', '..', 'src-renderer');

describe('the desktop window', () => {
  it('is isolated, sandboxed, and without Node', () => {
    expect(windowOptions('/preload.cjs').webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
    });
  });

  it('allows no inline code and no foreign source, in the header and in the page alike', () => {
    expect(contentSecurityPolicy).not.toMatch(/unsafe|data:|http|\*/);
    const page = readFileSync(join(rendererFolder, 'index.html'), 'utf8');
    const inPage = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(page)?.[1];
    // A page cannot say who may frame it; only the header can.
    expect(`${inPage ?? ''}; frame-ancestors 'none'`).toBe(contentSecurityPolicy);
    expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\son\w+=|\sstyle=/);
  });
});

describe('the files of the desktop window', () => {
  const folder = join('/', 'console');

  it("are the console's own", () => {
    expect(consoleFileFor('mirrorpoint://console/', folder)).toBe(join(folder, 'index.html'));
    expect(consoleFileFor('mirrorpoint://console/assets/index.js', folder)).toBe(join(folder, 'assets', 'index.js'));
  });

  it.each(['mirrorpoint://console/../secret.js', 'mirrorpoint://console/%2e%2e/secret.js'])(
    'stay inside their folder when %s climbs',
    (url) => {
      expect(consoleFileFor(url, folder)).toBe(join(folder, 'secret.js'));
    },
  );

  it.each([
    'mirrorpoint://console/..%2fsecret.js',
    'mirrorpoint://console/..%5csecret.js',
    'mirrorpoint://console/%00.js',
    'mirrorpoint://console/%zz.js',
    'mirrorpoint://console/settings.json',
    'mirrorpoint://elsewhere/index.html',
    'https://console/index.html',
    'nonsense',
  ])('do not include what %s points to', (url) => {
    expect(consoleFileFor(url, folder)).toBeUndefined();
  });

  it('come with their type and the policy, and a missing one is not found', async () => {
    const found = await serveConsoleFile('mirrorpoint://console/', rendererFolder);
    expect(found.status).toBe(200);
    expect(found.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(found.headers.get('Content-Security-Policy')).toBe(contentSecurityPolicy);
    const missing = await serveConsoleFile('mirrorpoint://console/missing.js', rendererFolder);
    expect(missing.status).toBe(404);
  });
});
