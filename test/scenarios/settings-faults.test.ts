import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../shells/server-process.ts';
import { codeOf, placeIn, succeed, testFolder } from './scenario-place.ts';

const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;
if (!isRootOnLinux) console.warn('full and read-only configuration folders are not tested: that needs root on Linux');

/** A file system of its own, of so many KiB. */
function smallFileSystem(path: string, sizeKiB: number): void {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'tmpfs', path]);
  onTestFinished(() => {
    execFileSync('umount', [path]);
  });
}

describe.skipIf(!isRootOnLinux)('a configuration folder', () => {
  it('without room refuses what must be remembered, leaves nothing behind, and still serves', async () => {
    const folder = testFolder();
    smallFileSystem(join(folder, 'small'), 64);
    const place = placeIn(join(folder, 'small'), 'config');
    const env = { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') };
    const full = { ...place, env };
    const image = join(folder, 'work.img');
    await succeed(full, 'volume', 'create', 'work', `${image}=64M`);
    const settings = readFileSync(join(place.configFolder, 'settings.json'), 'utf8');
    try {
      writeFileSync(join(folder, 'small/fill'), Buffer.alloc(1 << 20));
    } catch {
      // As much as there was room for.
    }
    for (const words of [['create', 'other', `${join(folder, 'other.img')}=64M`], ['grow', 'work', '--add', `${join(folder, 'more.img')}=64M`]]) {
      const refused = await runCommand(full, '--json', 'volume', ...words);
      expect([words[0], refused.exitCode, codeOf(refused)]).toEqual([words[0], 1, 'device-full']);
    }
    expect([existsSync(join(folder, 'other.img')), existsSync(join(folder, 'more.img'))]).toEqual([false, false]);
    expect(readFileSync(join(place.configFolder, 'settings.json'), 'utf8')).toBe(settings);
    await succeed(full, 'mkdir', 'work:/still-serves');
  });

  it('that is read-only is refused by its name', async () => {
    const folder = testFolder();
    smallFileSystem(join(folder, 'small'), 64);
    const place = placeIn(join(folder, 'small'), 'config');
    const closed = { ...place, env: { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') } };
    await succeed(closed, 'volume', 'list');
    execFileSync('mount', ['-o', 'remount,ro', join(folder, 'small')]);
    for (const words of [['serve'], ['volume', 'list']]) {
      const refused = await runCommand(closed, '--json', ...words);
      expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'not-permitted']);
      expect(refused.stderr).toContain(place.configFolder);
    }
  });
});

describe('a volume that cannot be opened', () => {
  it('can be unlinked and detached, and attached again when its device is back', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const image = join(folder, 'work.img');
    await succeed(place, 'volume', 'create', 'work', `${image}=64M`);
    await succeed(place, 'link', 'work', 'ipc://office');
    renameSync(image, join(folder, 'moved.img'));
    const gone = await runCommand(place, '--json', 'ls', 'work:/');
    expect([gone.exitCode, codeOf(gone)]).toEqual([1, 'device-not-found']);
    const linked = await runCommand(place, '--json', 'volume', 'detach', 'work');
    expect([linked.exitCode, codeOf(linked)]).toEqual([1, 'volume-in-use']);
    await succeed(place, 'unlink', 'work', 'ipc://office');
    await succeed(place, 'volume', 'detach', 'work');
    await succeed(place, 'volume', 'attach', 'work', join(folder, 'moved.img'));
    await succeed(place, 'mkdir', 'work:/back');
  });
});
