import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { controlEndpoint, FolderLock, prepareFolder } from '../../src-main/shells/headless/config-folder.ts';
import { FileLineLog, fileTextStore } from '../../src-main/shells/headless/stored-files.ts';

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

describe('a stored text', () => {
  it('is replaced as a whole, for its owner alone, and leaves nothing beside it', async () => {
    const folder = testFolder();
    const store = fileTextStore(join(folder, 'settings.json'));
    expect(await store.read()).toBeUndefined();
    await store.write('first');
    await store.write('second');
    expect(await store.read()).toBe('second');
    expect(readdirSync(folder)).toEqual(['settings.json']);
    expect(statSync(join(folder, 'settings.json')).mode & 0o077).toBe(0);
  });

  it('that cannot be written is a coded fault', async () => {
    const store = fileTextStore(join(testFolder(), 'missing', 'settings.json'));
    await expect(store.write('x')).rejects.toMatchObject({ code: 'not-permitted' });
  });
});

describe('a log of lines', () => {
  it('drops a line that a crash cut short, and goes on behind the last whole one', async () => {
    const path = join(testFolder(), 'history', 'log.jsonl');
    const log = new FileLineLog(path);
    expect(await log.read()).toEqual([]);
    await log.append(['one', 'two']);
    appendFileSync(path, 'thr');
    const again = new FileLineLog(path);
    expect(await again.read()).toEqual(['one', 'two']);
    await again.append(['three']);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });
});

describe('a configuration folder', () => {
  it('is for its owner alone', () => {
    const folder = join(testFolder(), 'config');
    prepareFolder(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('that is a file is refused by a code', () => {
    const path = join(testFolder(), 'file');
    writeFileSync(path, '');
    expect(() => {
      prepareFolder(path);
    }).toThrow(expect.objectContaining({ code: 'not-permitted' }));
  });

  it('is locked by one at a time', async () => {
    const folder = testFolder();
    const lock = await FolderLock.take(folder);
    await expect(FolderLock.take(folder)).rejects.toMatchObject({ code: 'server-running' });
    await lock.close();
    await using _again = await FolderLock.take(folder);
  });

  it('has a socket whose path is never too long for the system', () => {
    expect(controlEndpoint('/short')).toBe('/short/control.sock');
    const long = controlEndpoint(`/${'long/'.repeat(60)}`);
    expect(Buffer.byteLength(long)).toBeLessThan(104);
    expect(long).not.toBe(controlEndpoint(`/${'long/'.repeat(61)}`));
  });
});
