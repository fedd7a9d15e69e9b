import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { projectFolder } from '../electron-double/built-desktop.ts';
import { runCommand } from './server-process.ts';

vi.setConfig({ testTimeout: 300_000 });

/** The binary of Electron, or undefined where it was never fetched. Importing the package would try to fetch it. */
function findElectron(): string | undefined {
  const folder = join(projectFolder, 'node_modules', 'electron');
  const pathFile = join(folder, 'path.txt');
  if (!existsSync(pathFile)) return undefined;
  const binary = join(folder, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

const binary = findElectron();
const isBuilt = existsSync(join(projectFolder, 'out', 'main', 'main.js'));
const obstacle = binary === undefined ? 'Electron’s binary is not installed (`npx install-electron` fetches it)' : isBuilt ? undefined : 'nothing is built (`npm run build`)';
if (obstacle !== undefined) process.stderr.write(`SKIPPED: the real Electron is NOT tested here: ${obstacle}.\n`);

describe.skipIf(obstacle !== undefined)('the real Electron', () => {
  it('opens the window on the console, isolated, and serves its folder until it ends with a last CP', async () => {
    const configFolder = mkdtempSync(join(tmpdir(), 'mp-'));
    try {
      const app = await _electron.launch({
        executablePath: binary!,
        args: [projectFolder, '--config', configFolder, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
      });
      const page = await app.firstWindow();
      await page.waitForFunction(() => (document.querySelector('.server-name + *')?.textContent ?? '') !== '');
      expect(page.url()).toBe('app://console/#/');
      expect(await page.evaluate(() => ['require', 'process'].filter((name) => name in window))).toEqual([]);
      expect(await page.evaluate(() => typeof window.mirrorpointDesktop?.connect)).toBe('function');
      await page.evaluate(() => void window.open('https://elsewhere.invalid/'));
      expect(app.windows()).toHaveLength(1);
      const status = await runCommand({ configFolder }, '--json', 'status');
      expect(JSON.parse(status.stdout)).toMatchObject({ serving: true });
      const ended = new Promise<void>((resolve) => app.once('close', () => { resolve(); }));
      await app.evaluate(({ app: running }) => {
        running.quit();
      });
      await ended;
      expect(existsSync(join(configFolder, 'control.sock'))).toBe(false);
    } finally {
      rmSync(configFolder, { recursive: true, force: true });
    }
  });
});
