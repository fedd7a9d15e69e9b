import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { WholeFile } from '../../src-main/engine/index.ts';
import { FileMaker } from '../../src-main/shells/headless/file-maker.ts';

const attributes = { mode: 0o640, uid: 0, gid: 0, modifiedNs: 1_700_000_000_123_456_000n };

function fileOf(text: string, replace = false): WholeFile {
  const bytes = Buffer.from(text);
  return { bytes, parts: [{ start: 0, end: bytes.length }], attributes, replace };
}

function lab(): { maker: FileMaker; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mirrorpoint-maker-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return { maker: new FileMaker(), folder };
}

it('makes many files at once, each with its content, length, mode and time', async () => {
  const { maker, folder } = lab();
  const names = Array.from({ length: 200 }, (_, index) => `file ${index}`);
  await Promise.all(names.map((name) => maker.make(join(folder, name), fileOf(name))));
  expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
  for (const name of names) expect(readFileSync(join(folder, name), 'utf8')).toBe(name);
  const { mode, mtimeMs } = statSync(join(folder, 'file 7'));
  expect(mode & 0o7777).toBe(0o640);
  expect(Math.floor(mtimeMs)).toBe(1_700_000_000_123);
});

it('leaves zeros out, and keeps the length', async () => {
  const { maker, folder } = lab();
  const bytes = Buffer.alloc(256 << 10);
  bytes.fill(1, 4096, 8192);
  await maker.make(join(folder, 'holes'), { bytes, parts: [{ start: 4096, end: 8192 }], attributes, replace: false });
  await maker.make(join(folder, 'empty'), { ...fileOf(''), parts: [] });
  expect(readFileSync(join(folder, 'holes')).equals(bytes)).toBe(true);
  expect(statSync(join(folder, 'holes')).blocks * 512).toBeLessThan(bytes.length);
  expect(statSync(join(folder, 'empty')).size).toBe(0);
});

it('replaces only what it may, and leaves no part of what it could not make', async () => {
  const { maker, folder } = lab();
  const path = join(folder, 'taken');
  writeFileSync(path, 'mine');
  const outcomes = await Promise.allSettled([maker.make(path, fileOf('other')), maker.make(join(folder, 'no', 'folder'), fileOf('lost'))]);
  expect(outcomes).toMatchObject([
    { status: 'rejected', reason: { code: 'exists', message: expect.stringContaining(path) as string } },
    { status: 'rejected', reason: { code: 'not-found' } },
  ]);
  expect(readFileSync(path, 'utf8')).toBe('mine');
  await maker.make(path, fileOf('other', true));
  expect(readFileSync(path, 'utf8')).toBe('other');
  expect(readdirSync(folder)).toEqual(['taken']);
});
