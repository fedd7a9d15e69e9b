import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { archivedFiles, extractArchive } from '../electron-double/archive.ts';
import { projectFolder } from '../electron-double/built-desktop.ts';
import { fusesOf, packageDesktop } from '../electron-double/package-desktop.ts';
import { DesktopPlace, untilConsole } from './desktop-place.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const configuration = JSON.parse(readFileSync(join(projectFolder, 'resources', 'electron-builder.json'), 'utf8')) as Readonly<Record<string, unknown>>;

/** Width and height of a PNG file stand behind its signature and the head of its first chunk. */
function sizeOf(file: string): { width: number; height: number } {
  const bytes = readFileSync(file);
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

describe('the configuration of packages', () => {
  it('makes an AppImage and a deb, an installer for Windows, and a disk image for macOS', () => {
    expect(configuration).toMatchObject({ linux: { target: ['AppImage', 'deb'] }, win: { target: ['nsis'] }, mac: { target: ['dmg'], hardenedRuntime: true }, publish: null });
  });

  it('names icons that are there, of every size', () => {
    const folder = join(projectFolder, 'resources', 'icons', 'sizes');
    for (const name of readdirSync(folder)) {
      const [width = 0, height = 0] = name.replace('.png', '').split('x').map(Number);
      expect(sizeOf(join(folder, name))).toEqual({ width, height });
    }
    expect(readdirSync(folder).map((name) => Number(name.split('x')[0])).sort((first, second) => first - second)).toEqual([16, 24, 32, 48, 64, 128, 256, 512, 1024]);
    for (const platform of ['linux', 'win', 'mac'] as const) {
      const { icon } = configuration[platform] as { icon: string };
      expect(icon).toMatch(/^icons\/sizes(\/(256x256|1024x1024)\.png)?$/);
    }
  });

  it('has an icon for each state of the tray, which differ in more than their colour', () => {
    const folder = join(projectFolder, 'resources', 'icons');
    const seen = new Set<string>();
    for (const mark of ['normal', 'attention', 'problem']) {
      expect(sizeOf(join(folder, `tray-${mark}.png`))).toEqual({ width: 24, height: 24 });
      expect(sizeOf(join(folder, `tray-${mark}@2x.png`))).toEqual({ width: 48, height: 48 });
      expect(sizeOf(join(folder, `tray-${mark}-Template.png`))).toEqual({ width: 18, height: 18 });
      // A template is black all over: it can differ in its shape alone.
      seen.add(createHash('sha256').update(readFileSync(join(folder, `tray-${mark}-Template@2x.png`))).digest('hex'));
    }
    expect(seen.size).toBe(3);
  });
});

const isLinux = process.platform === 'linux';
if (!isLinux) process.stderr.write('SKIPPED: the program is packed in tests on Linux alone, so its package is not looked at here.\n');

describe.skipIf(!isLinux)('the package of the desktop program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mp-package-'));
  let packed: Awaited<ReturnType<typeof packageDesktop>>;

  beforeAll(async () => {
    packed = await packageDesktop(folder);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('has its fuses flipped: nothing runs in it but its own archive', () => {
    expect(fusesOf(join(folder, 'electron', 'electron'))).toMatchObject({ runAsNode: true, onlyLoadAppFromAsar: false });
    expect(fusesOf(packed.binary)).toEqual({
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

  it('holds what was built and what it shows, and neither sources nor packages', () => {
    const paths = archivedFiles(packed.archive).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['package.json', 'out/main/main.js', 'out/main/drives-program.js', 'out/preload/preload.cjs', 'out/renderer/index.html', 'resources/icons/drag.png', 'resources/icons/tray-problem.png']),
    );
    expect(paths.filter((path) => !/^(package\.json$|out\/|resources\/icons\/)/.test(path))).toEqual([]);
    expect(paths.filter((path) => /node_modules|\.ts$|\.vue$|\.map$/.test(path))).toEqual([]);
  });

  it('proves every file of its archive', () => {
    for (const { path, bytes, integrity } of archivedFiles(packed.archive)) {
      expect(integrity, path).toMatchObject({ algorithm: 'SHA256', hash: createHash('sha256').update(bytes).digest('hex') });
    }
  });

  describeInChromium('by itself', () => {
    it('runs, shows the console, and has its documents where another program can open them', async () => {
      await using place = new DesktopPlace();
      place.programFolder = join(folder, 'program');
      // Far from any folder of packages.
      extractArchive(packed.archive, place.programFolder);
      Object.assign(place.env, { ELECTRON_DOUBLE_PACKAGED: '1', ELECTRON_DOUBLE_RESOURCES: packed.resources });
      const desktop = await place.start();
      await untilConsole(desktop);
      const look = await desktop.look();
      expect(look).toMatchObject({ pageErrors: [], escaped: [], windows: [{ options: { webPreferences: { devTools: false } } }] });
      expect(JSON.stringify(look.menu)).not.toContain('toggleDevTools');
      const client = await place.client();
      await place.createVolume(client, 'work');
      expect((await client.machine.drives({})).drives).toBeDefined();
      await desktop.order('clickMenu', ['help', 'Documentation']);
      const [opened] = (await desktop.look()).openedPaths;
      expect(readFileSync(opened!, 'utf8')).toBe(readFileSync(join(projectFolder, 'README.md'), 'utf8'));
    });
  });
});
