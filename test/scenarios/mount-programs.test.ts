import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isInstalled } from '../bench/command.ts';
import { MountedVolume, mountObstacle, runIn, tellSkipped } from './mounted-volume.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Tests real programs on a mounted volume, where they are installed. */
function withPrograms(programs: readonly string[], name: string, test: () => Promise<void> | void): void {
  const missing = programs.filter((program) => !isInstalled(program));
  if (mountObstacle === undefined) tellSkipped(`${programs.join(' and ')} on a mounted volume`, missing.length === 0 ? undefined : `${missing.join(' and ')} is not installed`);
  it.skipIf(missing.length > 0)(name, test);
}

/** Stressors of what a volume has, none of which needs a device or a kernel of its own. */
const stressors = 'access chdir chmod chown copy-file dentry dir fallocate fcntl filename flock fpunch fstat getdent handle link lockf open rename symlink touch utime xattr'.split(' ');

/** A small tree with everything that metadata can be. */
function makeTree(folder: string): void {
  fs.mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  for (let index = 0; index < 200; index++) fs.writeFileSync(join(folder, 'deep', `file ${index}`), `${index}`.repeat(index * 10));
  fs.linkSync(join(folder, 'deep', 'file 7'), join(folder, 'linked'));
  fs.symlinkSync('../deep/file 8', join(folder, 'deep', 'er', 'link'));
  fs.writeFileSync(join(folder, 'sparse'), 'x');
  fs.truncateSync(join(folder, 'sparse'), 20 << 20);
  fs.chmodSync(join(folder, 'deep', 'file 9'), 0o4751);
  fs.chownSync(join(folder, 'deep', 'file 10'), 1234, 5678);
  fs.utimesSync(join(folder, 'deep', 'file 11'), 1_000_000_000, new Date('1999-12-31T23:59:59.123Z'));
  if (isInstalled('setfattr')) runIn(folder, 'setfattr', '-n', 'user.colour', '-v', 'green', 'linked');
}

const rowsBeforeKill = 20;

/** Has sqlite write row after row, each of them safe before it says so. */
function beginWriting(data: string, mode: string): { data: string; enough: Promise<unknown>; ended: Promise<unknown>; acknowledged: () => number } {
  runIn('/', 'sqlite3', data, `pragma journal_mode=${mode}; create table t(id integer primary key, text);`);
  const insert = 'insert into t(text) values (hex(randomblob(200))); select last_insert_rowid();';
  const writer = spawn('stdbuf', ['-oL', 'sqlite3', '-bail', data], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(writer, 'close');
  let said = '';
  const enough = Promise.withResolvers<undefined>();
  writer.stdout.on('data', (part: Buffer) => {
    said += part.toString();
    if (said.split('\n').length > rowsBeforeKill) enough.resolve(undefined);
  });
  writer.stdin.on('error', () => undefined);
  writer.stdin.end(`pragma synchronous=extra; ${insert.repeat(5000)}`);
  // Lines come one by one; the last may have been cut off.
  return { data, enough: enough.promise, ended, acknowledged: () => Number(said.split('\n').at(-2)) };
}

describe.skipIf(mountObstacle !== undefined)('on a mounted volume', () => {
  let mounted: MountedVolume;
  const at = (...names: string[]): string => join(mounted.at, ...names);

  beforeAll(async () => {
    mounted = await MountedVolume.open({ sizeBytes: 1 << 30 });
  });

  afterAll(async () => {
    const problems: unknown[] = [];
    for await (const event of await mounted.client.volumes.check({ volume: 'work' })) if (event.type === 'problem') problems.push(event);
    await mounted[Symbol.asyncDispose]();
    expect(problems).toEqual([]);
  });

  withPrograms(['fio'], 'fio reads what it wrote, in order and at random, in small and large pieces, by several jobs', () => {
    fs.mkdirSync(at('fio'));
    const run = (name: string, ...how: string[]): void => {
      runIn(at('fio'), 'fio', `--name=${name}`, '--verify=crc32c', '--do_verify=1', '--verify_fatal=1', '--directory=.', ...how);
    };
    run('sequential', '--rw=write', '--bs=1M', '--size=48M');
    run('random', '--rw=randrw', '--bsrange=4k-1M', '--size=12M', '--numjobs=4', '--fsync=64');
    run('mapped', '--rw=randwrite', '--bs=4k', '--size=4M', '--ioengine=mmap');
    run('direct', '--rw=randwrite', '--bs=16k', '--size=8M', '--direct=1');
    fs.rmSync(at('fio'), { recursive: true });
  });

  withPrograms(['stress-ng'], 'the stressors of stress-ng find nothing wrong', () => {
    fs.mkdirSync(at('stress'));
    runIn(at('stress'), 'stress-ng', '--temp-path', at('stress'), ...stressors.flatMap((name) => [`--${name}`, '1']), '--timeout', '4s', '--verify');
    expect(fs.readdirSync(at('stress'))).toEqual([]);
  });

  withPrograms(['git'], 'git commits, clones and collects, and its repositories are whole', () => {
    const git = (folder: string, ...words: string[]): string => runIn(folder, 'git', '-c', 'user.name=t', '-c', 'user.email=t@t.invalid', ...words);
    fs.mkdirSync(at('git'));
    git(at('git'), 'init', '-q', 'origin');
    const origin = at('git', 'origin');
    makeTree(origin);
    for (const round of [1, 2, 3]) {
      fs.writeFileSync(join(origin, 'deep', 'file 1'), `round ${round}`);
      git(origin, 'add', '.');
      git(origin, 'commit', '-q', '-m', `round ${round}`);
    }
    git(origin, 'gc', '-q');
    git(at('git'), 'clone', '-q', 'origin', 'clone');
    git(origin, 'fsck', '--full', '--strict');
    git(at('git', 'clone'), 'fsck', '--full', '--strict');
    expect(git(at('git', 'clone'), 'status', '--porcelain')).toBe('');
    expect(git(at('git', 'clone'), 'log', '--format=%s').trim().split('\n')).toEqual(['round 3', 'round 2', 'round 1']);
    fs.rmSync(at('git'), { recursive: true });
  });

  withPrograms(['tar'], 'tar puts a tree in and out with all its metadata', () => {
    const source = join(mounted.folder, 'tree');
    fs.mkdirSync(source);
    makeTree(source);
    const archive = join(mounted.folder, 'tree.tar');
    runIn(source, 'tar', '--xattrs', '--sparse', '-cf', archive, '.');
    fs.mkdirSync(at('tar'));
    runIn(at('tar'), 'tar', '--xattrs', '-xpf', archive);
    runIn(at('tar'), 'tar', '--xattrs', '-df', archive);
    expect(fs.statSync(at('tar', 'sparse')).blocks * 512).toBeLessThan(1 << 20);
    runIn(at('tar'), 'tar', '--xattrs', '--sparse', '-cf', archive, '.');
    runIn(source, 'tar', '--xattrs', '-df', archive);
    fs.rmSync(at('tar'), { recursive: true });
  });

  withPrograms(['rsync'], 'rsync takes a tree there and back, and finds no difference', () => {
    const source = join(mounted.folder, 'rsync');
    fs.mkdirSync(source);
    makeTree(source);
    const rsync = (from: string, to: string, ...how: string[]): string => runIn('/', 'rsync', '-aHAX', ...how, `${from}/`, `${to}/`);
    rsync(source, at('rsync'), '--sparse');
    rsync(at('rsync'), join(mounted.folder, 'back'), '--sparse');
    expect(rsync(source, at('rsync'), '-nci', '--delete')).toBe('');
    expect(rsync(source, join(mounted.folder, 'back'), '-nci', '--delete')).toBe('');
    fs.rmSync(at('rsync'), { recursive: true });
  });

  withPrograms(['sqlite3'], 'sqlite finds its data whole after the server was killed while it wrote', async () => {
    const writers = ['delete', 'wal'].map((mode) => beginWriting(at(`${mode}.db`), mode));
    await Promise.all(writers.map(({ enough }) => enough));
    await mounted.restart();
    await Promise.all(writers.map(({ ended }) => ended));
    await mounted.client.mounts.remove({ folder: mounted.at });
    await mounted.mount();
    for (const { data, acknowledged } of writers) {
      expect(runIn('/', 'sqlite3', data, 'pragma integrity_check;').trim()).toBe('ok');
      expect(Number(runIn('/', 'sqlite3', data, 'select count(*) from t;'))).toBeGreaterThanOrEqual(acknowledged());
    }
  });
});
