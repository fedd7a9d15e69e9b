import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { consoleFileFor, serveConsoleFile } from '../../src-main/shells/electron/console-protocol.ts';
import { contentSecurityPolicy } from '../../src-main/shells/console-files.ts';

const rendererFolder = join(import.meta.dirname, '..', '..', 'src-renderer');

describe('the files of the desktop window', () => {
  const folder = join('/', 'console');

  it("are the console's own", () => {
    expect(consoleFileFor('app://console/', folder)).toBe(join(folder, 'index.html'));
    expect(consoleFileFor('app://console/assets/index.js', folder)).toBe(join(folder, 'assets', 'index.js'));
  });

  it.each(['app://console/../secret.js', 'app://console/%2e%2e/secret.js'])(
    'stay inside their folder when %s climbs',
    (url) => {
      expect(consoleFileFor(url, folder)).toBe(join(folder, 'secret.js'));
    },
  );

  it.each([
    'app://console/..%2fsecret.js',
    'app://console/..%5csecret.js',
    'app://console/%00.js',
    'app://console/%zz.js',
    'app://console/settings.json',
    'app://elsewhere/index.html',
    'https://console/index.html',
    'nonsense',
  ])('do not include what %s points to', (url) => {
    expect(consoleFileFor(url, folder)).toBeUndefined();
  });

  it('come with their type and the policy, and a missing one is not found', async () => {
    const found = await serveConsoleFile({ url: 'app://console/', method: 'GET' }, rendererFolder);
    expect(found.status).toBe(200);
    expect(found.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(found.headers.get('Content-Security-Policy')).toBe(contentSecurityPolicy);
    expect(found.headers.get('X-Content-Type-Options')).toBe('nosniff');
    const missing = await serveConsoleFile({ url: 'app://console/missing.js', method: 'GET' }, rendererFolder);
    expect(missing.status).toBe(404);
    const written = await serveConsoleFile({ url: 'app://console/', method: 'POST' }, rendererFolder);
    expect(written.status).toBe(405);
  });
});
