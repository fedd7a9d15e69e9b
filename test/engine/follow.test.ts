import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import { FollowLab } from './follow-lab.ts';
import { MemoryServer } from './memory-engine.ts';

/** Hands a volume over to the other server while time passes. */
async function switchOver(server: MemoryServer, volume: string): Promise<void> {
  let isOver = false;
  const run = async (): Promise<void> => {
    for await (const event of await server.client.failover.switchOver({ volume })) isOver ||= event.type === 'done';
  };
  const running = run();
  await server.until(() => isOver, 'the switch-over');
  await running;
}

describe('a follow', () => {
  it('takes a folder in, and then what changes in it', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a/one', 'one');
    lab.tree.write('/data/a/b/two', 'two');
    lab.tree.makeOther('/data/link', 'symlink', 'a/one');
    lab.tree.makeFolder('/data/empty');
    await lab.follow();
    await lab.alike();
    lab.tree.write('/data/a/one', 'another one');
    lab.tree.write('/data/new/inside/three', 'three');
    lab.tree.setMode('/data/a/b/two', 0o600);
    lab.tree.setMode('/data/empty', 0o700);
    lab.tree.remove('/data/link');
    await lab.alike();
    lab.tree.remove('/data/a');
    lab.tree.write('/data/new/inside/four', 'four');
    await lab.alike();
    expect(lab.status).toMatchObject({ faultCount: 0, takenCount: Object.keys(lab.tree.describe('/data')).length });
  });

  it('makes one rename of a moved folder, and sends nothing of it again', async () => {
    await using lab = await FollowLab.start();
    for (let file = 0; file < 20; file++) lab.tree.write(`/data/old/deep/file ${file}`, `content ${file}`);
    lab.tree.makeFolder('/data/other');
    await lab.follow();
    await lab.quiet();
    const [folder, file] = [await lab.inoOf('old/deep'), await lab.inoOf('old/deep/file 7')];
    const before = lab.tree.readBytes;
    lab.tree.rename('/data/old/deep', '/data/other/moved');
    lab.tree.rename('/data/other/moved/file 3', '/data/file 3');
    await lab.alike();
    expect([await lab.inoOf('other/moved'), await lab.inoOf('other/moved/file 7')]).toEqual([folder, file]);
    // What changes in the moved folder is heard of still.
    lab.tree.write('/data/other/moved/file 7', 'changed');
    await lab.alike();
    expect(lab.tree.readBytes - before).toBe('changed'.length);
  });

  it('knows renames again that it did not hear of, and those out of a folder that went', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a/x/file', 'one');
    lab.tree.write('/data/a/y/file', 'two');
    lab.tree.write('/data/b', 'three');
    await lab.follow();
    await lab.quiet();
    const inos = [await lab.inoOf('a/x'), await lab.inoOf('a/y/file'), await lab.inoOf('b')];
    const before = lab.tree.readBytes;
    await lab.server.stop();
    lab.tree.rename('/data/a/x', '/data/x');
    lab.tree.rename('/data/a/y/file', '/data/z');
    lab.tree.remove('/data/a');
    lab.tree.makeFolder('/data/c');
    lab.tree.rename('/data/b', '/data/c/b');
    await lab.server.start();
    await lab.alike();
    expect([await lab.inoOf('x'), await lab.inoOf('z'), await lab.inoOf('c/b')]).toEqual(inos);
    expect(lab.tree.readBytes).toBe(before);
  });

  it('exchanges two names, and puts a new thing where a renamed one was', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a/file', 'one');
    lab.tree.write('/data/b/file', 'two');
    lab.tree.write('/data/f', 'three');
    await lab.follow();
    await lab.quiet();
    const [a, b, f] = [await lab.inoOf('a'), await lab.inoOf('b'), await lab.inoOf('f')];
    lab.tree.rename('/data/a', '/data/aside');
    lab.tree.rename('/data/b', '/data/a');
    lab.tree.rename('/data/aside', '/data/b');
    lab.tree.rename('/data/f', '/data/g');
    lab.tree.write('/data/f', 'another');
    await lab.alike();
    expect([await lab.inoOf('b'), await lab.inoOf('a'), await lab.inoOf('g')]).toEqual([a, b, f]);
    lab.tree.remove('/data/a');
    lab.tree.write('/data/a', 'a file where a folder was');
    lab.tree.remove('/data/g');
    lab.tree.write('/data/g/inside', 'a folder where a file was');
    await lab.alike();
  });

  it('does not take a file for a renamed one that has only got its number', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a', 'first', 5n);
    lab.tree.setBorn('/data/a', 0n);
    lab.tree.write('/data/b', 'other', 5n);
    await lab.follow();
    await lab.quiet();
    lab.tree.rename('/data/a', '/data/c');
    lab.tree.write('/data/c', 'third', 5n);
    lab.tree.remove('/data/b');
    await lab.alike();
  });

  it('keeps the names of one file together', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/one', 'shared');
    lab.tree.link('/data/one', '/data/two');
    await lab.follow();
    await lab.alike();
    expect(await lab.inoOf('one')).toBe(await lab.inoOf('two'));
    lab.tree.makeFolder('/data/inner');
    lab.tree.link('/data/one', '/data/inner/three');
    lab.tree.remove('/data/two');
    await lab.alike();
    expect(await lab.inoOf('one')).toBe(await lab.inoOf('inner/three'));
    lab.tree.write('/data/one', 'shared by both');
    lab.tree.write('/data/inner/three', 'shared by both');
    await lab.alike();
    expect(await lab.inoOf('one')).toBe(await lab.inoOf('inner/three'));
  });

  it('takes a file that changes while it is read when it has rested, and never a mix', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/small', 'old content');
    lab.tree.write('/data/large', Buffer.alloc((1 << 20) + 1, 'a'));
    await lab.follow();
    await lab.quiet();
    const before = await lab.inVolume();
    let isBusy = true;
    lab.tree.onRead = (path) => {
      if (isBusy && path.startsWith('/data/')) lab.tree.write(path, Buffer.alloc(path.endsWith('large') ? (1 << 20) + 1 : 11, lab.tree.readBytes % 2 === 0 ? 'b' : 'c'));
    };
    lab.tree.write('/data/small', 'new content');
    lab.tree.write('/data/large', Buffer.alloc((1 << 20) + 1, 'b'));
    await lab.server.pass(40_000, 500);
    expect(await lab.inVolume()).toEqual(before);
    expect(lab.status.waitingCount).toBeGreaterThan(0);
    expect(lab.status.faults.map(({ path, code }) => [path, code])).toEqual(expect.arrayContaining([['large', 'source-changed'], ['small', 'source-changed']]));
    isBusy = false;
    await lab.server.pass(60_000, 1000);
    await lab.alike();
    expect(lab.status.faultCount).toBe(0);
  });

  it('lets a file rest that was changed just now, and sees a change that left size and time as they were', async () => {
    await using lab = await FollowLab.start();
    await lab.follow();
    lab.tree.write('/data/log', 'line 1');
    await lab.server.pass(600, 100);
    expect(await lab.inVolume()).toEqual({});
    // A file that is written to all the time is taken at last.
    for (let line = 0; line < 45; line++) {
      lab.tree.write('/data/log', `line ${line % 10}`);
      await lab.server.pass(900, 300);
    }
    expect(Object.keys(await lab.inVolume())).toEqual(['log']);
    const { nowNs } = lab.clock;
    lab.tree.write('/data/log', 'line A', nowNs);
    await lab.server.pass(1200, 100);
    lab.tree.write('/data/log', 'line B', nowNs);
    await lab.alike();
  });

  it('finds by its full compare what the watch did not tell', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a', 'one');
    await lab.follow({ compareEveryMs: 600_000 });
    await lab.quiet();
    lab.tree.isDeaf = true;
    lab.tree.write('/data/b/c', 'two');
    lab.tree.remove('/data/a');
    await lab.server.pass(300_000);
    expect(Object.keys(await lab.inVolume())).toEqual(['a']);
    await lab.server.pass(310_000);
    await lab.alike();
  });

  it('leaves out what is ignored, and what was taken before it was stays', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/.mirrorpointignore', '*.tmp\n!keep.tmp\n');
    for (const path of ['a.tmp', 'keep.tmp', 'build/out', 'src/build/out', 'src/code', 'later']) lab.tree.write(`/data/${path}`, path);
    await lab.follow({ ignore: ['build/'] });
    await lab.quiet();
    const names = async (): Promise<string[]> => Object.keys(await lab.inVolume());
    expect(await names()).toEqual(['.mirrorpointignore', 'keep.tmp', 'later', 'src', 'src/code']);
    lab.tree.write('/data/b.tmp', 'b');
    lab.tree.write('/data/build/more', 'more');
    await lab.quiet();
    expect(await names()).toHaveLength(5);
    lab.tree.write('/data/.mirrorpointignore', 'later\n');
    await lab.quiet();
    lab.tree.write('/data/later', 'changed');
    await lab.quiet();
    expect(await names()).toEqual(['.mirrorpointignore', 'a.tmp', 'b.tmp', 'keep.tmp', 'later', 'src', 'src/code']);
    expect((await lab.inVolume()).later).toMatch(/ later$/);
  });

  it('leaves alone what the folder never had, and removes it only when it is exact', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/shared/ours', 'ours');
    lab.tree.write('/data/gone/ours', 'ours');
    await lab.follow();
    await lab.quiet();
    for (const folder of ['/in', '/in/shared', '/in/gone']) {
      await (await lab.volume()).change(changeBlocks.create, (files) => files.createFile(files.resolvePath(folder), 'theirs', { mode: 0o644, uid: 0, gid: 0 }));
    }
    lab.tree.remove('/data/gone');
    lab.tree.write('/data/shared/ours', 'changed');
    await lab.server.pass(4_000_000);
    await lab.quiet();
    expect(Object.keys(await lab.inVolume())).toEqual(['gone', 'gone/theirs', 'shared', 'shared/ours', 'shared/theirs', 'theirs']);
    await lab.server.client.follow.remove({ volume: 'work', path: '/in' });
    expect(await lab.preview({ exact: true })).toEqual(['remove gone', 'remove gone/theirs', 'remove shared/theirs', 'remove theirs']);
    await lab.follow({ exact: true });
    await lab.alike();
  });

  it('wins where both have a name, but takes no folder of others away for a file', async () => {
    await using lab = await FollowLab.start();
    const volume = await lab.volume();
    await volume.change(3 * changeBlocks.create, (files) => {
      const folder = files.makeDirectory(1, 'in', { mode: 0o755, uid: 0, gid: 0 });
      files.createFile(folder, 'file', { mode: 0o644, uid: 0, gid: 0 });
      files.makeDirectory(folder, 'folder', { mode: 0o755, uid: 0, gid: 0 });
    });
    lab.tree.write('/data/file', 'ours');
    lab.tree.write('/data/folder', 'a file');
    lab.tree.makeOther('/data/pipe', 'other');
    await lab.follow();
    await lab.quiet();
    expect(Object.entries(await lab.inVolume()).map(([path, what]) => [path, what.split(' ')[0], what.split(' ').at(-1)])).toEqual([['file', 'file', 'ours'], ['folder', 'directory', '']]);
    expect(lab.status.faults.map(({ path, code }) => [path, code]).sort()).toEqual([['folder', 'exists'], ['pipe', 'unsupported']]);
    lab.tree.remove('/data/pipe');
    lab.tree.remove('/data/folder');
    await lab.quiet();
    expect(lab.status).toMatchObject({ faultCount: 0, faults: [] });
    // Others may have changed or removed what was taken.
    await volume.change(changeBlocks.remove, (files) => files.unlink(files.resolvePath('/in'), 'file'));
    lab.tree.write('/data/file', 'ours again');
    await lab.quiet();
    expect((await lab.inVolume()).file).toMatch(/ours again$/);
  });
});

describe('a followed folder that is not there', () => {
  it('has nothing removed when its drive is not mounted, which is an alert until it is', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a/one', 'one');
    await lab.follow();
    await lab.quiet();
    const before = await lab.inVolume();
    const drive = lab.tree.mount('/data');
    await lab.server.pass(60_000);
    expect(lab.alerts).toEqual([expect.stringMatching(/^follow-failed: .*\/data is another folder than the one that was followed.*Nothing was removed/)]);
    expect(lab.status).toMatchObject({ state: 'failed', reason: expect.stringContaining('not mounted') });
    await lab.restart();
    await lab.server.pass(60_000);
    expect(await lab.inVolume()).toEqual(before);
    lab.tree.mount('/data', drive);
    lab.tree.write('/data/a/two', 'two');
    await lab.server.pass(20_000, 1000);
    await lab.alike();
    expect(lab.alerts).toEqual([]);
  });

  it('has nothing removed when it has vanished, or is empty and nobody saw it being emptied', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/one', 'one');
    await lab.follow({ compareEveryMs: 60_000 });
    await lab.quiet();
    lab.tree.isDeaf = true;
    lab.tree.remove('/data/one');
    await lab.server.pass(120_000);
    expect(lab.alerts).toEqual([expect.stringMatching(/\/data is empty, and 1 entries/)]);
    lab.tree.rename('/data', '/elsewhere');
    await lab.server.pass(60_000);
    expect(lab.alerts).toEqual([expect.stringMatching(/There is no \/data any more/)]);
    expect(Object.keys(await lab.inVolume())).toEqual(['one']);
    lab.tree.rename('/elsewhere', '/data');
    lab.tree.isDeaf = false;
    lab.tree.write('/data/two', 'two');
    await lab.server.pass(20_000, 1000);
    await lab.alike();
    // What is seen to go does go, to the last.
    lab.tree.remove('/data/two');
    await lab.alike();
    expect(lab.alerts).toEqual([]);
  });
});

describe('the life of a follow', () => {
  it('goes on after a restart, takes what changed meanwhile, and ends when it is stopped', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a', 'one');
    lab.tree.write('/data/b', 'two');
    await lab.follow();
    await lab.quiet();
    await lab.server.stop();
    lab.tree.remove('/data/a');
    lab.tree.write('/data/c', 'three');
    await lab.server.start();
    await lab.alike();
    await lab.server.client.follow.remove({ volume: 'work', path: '/in' });
    lab.tree.write('/data/d', 'four');
    await lab.server.pass(60_000);
    expect(Object.keys(await lab.inVolume())).toEqual(['b', 'c']);
    expect((await lab.server.client.follow.list({})).follows).toEqual([]);
    await expect(lab.server.client.follow.remove({ volume: 'work', path: '/in' })).rejects.toSatisfy((fault: unknown) => isFault(fault, 'not-found'));
  });

  it.each([0, 1, 40, 200])('killed when it has taken %d entries leaves nothing behind that it made', async (count) => {
    await using lab = await FollowLab.start();
    const path = (file: number): string => `/data/folder ${file % 3}/file ${file}`;
    for (let file = 0; file < 600; file++) lab.tree.write(path(file), `content ${file}`);
    lab.clock.pass(5000);
    lab.tree.readsLeft = count;
    await lab.server.client.follow.add({ folder: '/data', volume: 'work', path: '/in' });
    await lab.server.until(() => lab.tree.readsLeft < 0 && lab.status.takenCount >= count, 'what is taken');
    // What is in the volume by now is there for good, and the follow has not stored that it made it.
    await (await lab.volume()).takeCp('request');
    await lab.server.kill();
    lab.tree.readsLeft = Infinity;
    for (let file = 0; file < 600; file += 2) lab.tree.remove(path(file));
    lab.tree.remove('/data/folder 1');
    await lab.server.start();
    await lab.alike();
  });

  it('ends with its volume, and goes on when that is a primary here again', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a', 'one');
    await lab.follow();
    const { devices } = (await lab.server.client.volumes.list({})).volumes[0]!;
    await lab.server.client.volumes.detach({ volume: 'work' });
    lab.tree.write('/data/b', 'two');
    await lab.server.pass(10_000, 1000);
    expect(lab.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('no open primary here') });
    await lab.server.client.volumes.attach({ name: 'work', devices });
    await lab.alike();
  });

  it('waits while the volume is led by the other server, and goes on when it is led here again', async () => {
    await using lab = await FollowLab.start();
    await using other = new MemoryServer({ clock: lab.clock, transport: lab.transport, seed: 2 });
    await other.start();
    await other.createVolume('copy', { role: 'mirror', listen: ['memory://b'] });
    await lab.server.client.relationships.link({ volume: 'work', address: 'memory://b' });
    lab.tree.write('/data/a', 'one');
    await lab.follow();
    await lab.quiet();
    await switchOver(lab.server, 'work');
    lab.tree.write('/data/b', 'two');
    await lab.server.pass(10_000, 500);
    expect(lab.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('no open primary here') });
    await switchOver(other, 'copy');
    await lab.alike();
    expect(lab.alerts.filter((text) => text.startsWith('follow'))).toEqual([]);
  });

  it('is an alert while the volume is full, with nothing half of a file in it, and goes on when there is room', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/small', 'small');
    await lab.follow();
    await lab.quiet();
    const before = await lab.inVolume();
    lab.tree.write('/data/large', Buffer.alloc(80 << 20, 1));
    await lab.server.until(() => lab.alerts.length > 0, 'the alert');
    expect(lab.alerts).toEqual([expect.stringMatching(/^follow-failed: The changes of the folder are not taken: /)]);
    expect(lab.status).toMatchObject({ state: 'failed' });
    expect(await lab.inVolume()).toEqual(before);
    lab.tree.remove('/data/large');
    lab.tree.write('/data/other', 'other');
    await lab.server.pass(20_000, 1000);
    await lab.alike();
    expect(lab.alerts).toEqual([]);
  });

  it('is shown by a dry run before, which does nothing', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/a/one', 'one');
    lab.tree.write('/data/two', 'two');
    lab.tree.write('/data/x.tmp', 'x');
    expect(await lab.preview({ ignore: ['*.tmp'] })).toEqual(['make-folder a', 'take a/one', 'take two']);
    await expect(lab.inVolume()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'not-found'));
    await lab.follow();
    await lab.quiet();
    expect(await lab.preview()).toEqual([]);
    lab.tree.isDeaf = true;
    lab.tree.rename('/data/a', '/data/b');
    lab.tree.remove('/data/two');
    lab.tree.write('/data/x.tmp', 'changed');
    lab.tree.write('/data/new', 'new');
    const before = await lab.inVolume();
    expect(await lab.preview()).toEqual(['move a b', 'remove two', 'replace x.tmp', 'take new']);
    expect(await lab.inVolume()).toEqual(before);
  });

  it('refuses what cannot be followed, and says why', async () => {
    await using lab = await FollowLab.start();
    lab.tree.write('/data/file', 'a');
    lab.tree.makeOther('/data/link', 'symlink', '/data');
    await lab.server.createVolume('copy', { role: 'mirror' });
    await lab.follow();
    const add = lab.server.client.follow.add;
    const tries: [Parameters<typeof add>[0], string, RegExp][] = [
      [{ folder: 'data', volume: 'work', path: '/x' }, 'argument-invalid', /not absolute/],
      [{ folder: '/none', volume: 'work', path: '/x' }, 'not-found', /There is no \/none/],
      [{ folder: '/data/file', volume: 'work', path: '/x' }, 'not-a-directory', /only folders/],
      [{ folder: '/data/link', volume: 'work', path: '/x' }, 'not-a-directory', /not a link to it/],
      [{ folder: '/data', volume: 'work', path: '/in/deeper' }, 'exists', /followed into work:\/in already/],
      [{ folder: '/data', volume: 'work', path: '/' }, 'exists', /inside the other/],
      [{ folder: '/data', volume: 'copy', path: '/x' }, 'volume-read-only', /is a mirror here/],
      [{ folder: '/data', volume: 'none', path: '/x' }, 'volume-not-found', /no volume 'none'/],
      [{ folder: '/data', volume: 'work', path: '/x', compareEveryMs: 1 }, 'argument-invalid', /every minute to every 366 days/],
      [{ folder: '/data', volume: 'work', path: '/x', ignore: ['x'.repeat(2000)] }, 'argument-invalid', /at most 1024 characters/],
    ];
    for (const [request, code, text] of tries) {
      const fault: unknown = await add(request).catch((thrown: unknown) => thrown);
      expect([request, isFault(fault) && fault.code, isFault(fault) && fault.message]).toEqual([request, code, expect.stringMatching(text)]);
    }
    expect(lab.server.engine.follows.statuses()).toHaveLength(1);
  });
});
