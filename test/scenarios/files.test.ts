import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../shells/server-process.ts';
import { codeOf, placeIn, succeed, testFolder } from './scenario-place.ts';

/** A small tree with everything that a copy must keep. */
function makeTree(folder: string): void {
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  writeFileSync(join(folder, 'plain.txt'), 'plain');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'deep/er/large.bin'), randomBytes(3_000_001));
  writeFileSync(join(folder, 'späße ☃.txt'), 'names are UTF-8');
  chmodSync(join(folder, 'plain.txt'), 0o640);
  utimesSync(join(folder, 'plain.txt'), 1_500_000_000.25, 1_500_000_000.25);
  linkSync(join(folder, 'plain.txt'), join(folder, 'deep/same.txt'));
  symlinkSync('../plain.txt', join(folder, 'deep/link'));
  symlinkSync('/nowhere', join(folder, 'dangling'));
  writeFileSync(join(folder, 'sparse'), 'begin');
  truncateSync(join(folder, 'sparse'), 50_000_000);
  utimesSync(join(folder, 'deep'), 1_400_000_000, 1_400_000_000);
}

describe('files, by commands without a server', () => {
  it('come out of a volume as they went in, with links, modes, times and holes', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    makeTree(source);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'put', source, 'work:/tree');
    expect((await runCommand(place, 'compare', source, 'work:/tree')).exitCode).toBe(0);
    const out = join(folder, 'out');
    await succeed(place, 'get', 'work:/tree', out);
    execFileSync('diff', ['-r', '--no-dereference', source, out]);
    expect((await runCommand(place, 'compare', out, 'work:/tree')).exitCode).toBe(0);
    expect(statSync(join(out, 'plain.txt')).ino).toBe(statSync(join(out, 'deep/same.txt')).ino);
    expect(statSync(join(out, 'plain.txt')).mode & 0o7777).toBe(0o640);
    expect(statSync(join(out, 'plain.txt')).mtimeMs).toBeCloseTo(1_500_000_000_250, 2);
    expect(statSync(join(out, 'deep')).mtimeMs).toBeCloseTo(1_400_000_000_000, 2);
    expect(readlinkSync(join(out, 'deep/link'))).toBe('../plain.txt');
    expect(lstatSync(join(out, 'dangling')).isSymbolicLink()).toBe(true);
    expect(statSync(join(out, 'sparse')).blocks * 512).toBeLessThan(1_000_000);
  });

  it('are left alone when they did not change, and replaced whole when they did', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    makeTree(source);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'put', source, 'work:/tree');
    writeFileSync(join(source, 'empty'), 'no longer');
    const lines = (await succeed(place, '--json', 'put', source, 'work:/tree')).trim().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ type: 'done', files: 1, bytes: 9, problemCount: 0 });
    expect(await succeed(place, 'cat', 'work:/tree/empty')).toBe('no longer');
  });

  it('are listed, examined, moved and removed', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    writeFileSync(join(folder, 'notes.txt'), 'some notes');
    await succeed(place, 'mkdir', '-p', 'work:/one/two');
    await succeed(place, 'put', join(folder, 'notes.txt'), 'work:/one/two/');
    await succeed(place, 'mv', 'work:/one/two/notes.txt', 'work:/renamed.txt');
    const listed = JSON.parse(await succeed(place, '--json', 'ls', 'work:/')) as { name: string; kind: string }[];
    expect(listed.map(({ name, kind }) => `${kind} ${name}`)).toEqual(['directory one', 'file renamed.txt']);
    expect(JSON.parse(await succeed(place, '--json', 'stat', 'work:/renamed.txt'))).toMatchObject({ sizeBytes: 10, linkCount: 1 });
    expect(codeOf(await runCommand(place, '--json', 'rm', 'work:/one'))).toBe('directory-not-empty');
    await succeed(place, 'rm', '-r', 'work:/one');
    expect(await succeed(place, 'cat', 'work:/renamed.txt')).toBe('some notes');
    expect((await runCommand(place, 'volume', 'check', 'work')).exitCode).toBe(0);
  });

  it('that exist locally are not replaced by get unless told', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    writeFileSync(join(folder, 'notes.txt'), 'new');
    await succeed(place, 'put', join(folder, 'notes.txt'), 'work:/notes.txt');
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const refused = await runCommand(place, '--json', 'get', 'work:/notes.txt', join(folder, 'notes.txt'));
    expect(refused.exitCode).toBe(4);
    expect(refused.stdout).toContain('"code":"exists"');
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    await succeed(place, 'get', 'work:/notes.txt', join(folder, 'notes.txt'), '--overwrite');
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('new');
  });

  it('with names that are no UTF-8 are left out by name, the rest goes in, and the status says so', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'good'), 'good');
    writeFileSync(Buffer.concat([Buffer.from(`${source}/bad-`), Buffer.from([0xff, 0xfe])]), 'bad');
    execFileSync('mkfifo', [join(source, 'pipe')]);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    const put = await runCommand(place, '--json', 'put', source, 'work:/tree');
    expect(put.exitCode).toBe(4);
    expect(put.stdout).toContain('"code":"name-invalid"');
    expect(put.stdout).toContain('bad-\\\\xff\\\\xfe');
    expect(put.stdout).toContain('"code":"unsupported"');
    expect(await succeed(place, 'cat', 'work:/tree/good')).toBe('good');
  });

  it('that differ are found by compare, each by name', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    makeTree(source);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'put', source, 'work:/tree');
    const { mtime } = statSync(join(source, 'plain.txt'));
    writeFileSync(join(source, 'plain.txt'), 'plaiN');
    utimesSync(join(source, 'plain.txt'), mtime, mtime);
    writeFileSync(join(source, 'more'), 'more');
    const compare = await runCommand(place, '--json', 'compare', source, 'work:/tree');
    expect(compare.exitCode).toBe(3);
    const found = compare.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; path?: string; what?: string })
      .filter(({ type, what }) => type === 'difference' && what !== 'modified')
      .map(({ path, what }) => `${what} ${path}`);
    expect(found.toSorted()).toEqual(['content /tree/deep/same.txt', 'content /tree/plain.txt', 'only-local /tree/more']);
  });
});
