import { beforeEach, describe, expect, it } from 'vitest';
import { MirrorpointError } from '../../src-main/base/index.ts';
import type { CollisionChoice } from '../../src-main/contract/index.ts';
import { changeBlocks, type LiveFiles } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { RestoreLab } from './restore-lab.ts';
import { makeFolder, makeLink, makeSymlink, remove, seeTree, texts, writeFile } from './volume-trees.ts';

const MiB = 1 << 20;

let lab: RestoreLab;
let volume: Volume;

beforeEach(async () => {
  lab = await RestoreLab.open();
  ({ volume } = lab);
});

describe('a restore', () => {
  it('puts back what was removed, with all that it had, and takes no snapshot when nothing is replaced', async () => {
    await makeFolder(volume, '/docs/deep');
    await writeFile(volume, '/docs/deep/large', { content: Buffer.alloc(3 * MiB + 5, 'x'), mode: 0o4711, uid: 5, modifiedNs: 123_456_789n, extended: { 'user.tag': 'red', 'user.other': 'x'.repeat(5000) } });
    await writeFile(volume, '/docs/deep/holes', { content: Buffer.concat([Buffer.alloc(2 * MiB), Buffer.from('end')]) });
    await writeFile(volume, '/docs/deep/empty', {});
    await makeSymlink(volume, '/docs/deep/link', '../report.txt', { modifiedNs: 9n, extended: { 'user.l': 'on a link' } });
    await makeLink(volume, '/docs/again', '/docs/deep/large');
    await volume.change(0, (files) => files.setAttributes(files.resolvePath('/docs/deep'), { mode: 0o700, uid: 3, modifiedNs: 77n }));
    await lab.snapshot('tuesday');
    const before = await seeTree(volume);
    for (const path of ['/docs/again', '/docs/deep/large', '/docs/deep/holes', '/docs/deep/empty', '/docs/deep/link', '/docs/deep', '/docs/notes.txt']) await remove(volume, path);
    expect((await seeTree(volume)).size).toBe(2);

    const job = await lab.restore({ at: { snapshot: 'tuesday' } });
    expect(job).toMatchObject({ state: 'done', problemCount: 0, kind: 'restore', isDetached: true, volume: 'work', progress: { files: 6, filesTotal: 6 } });
    expect(job.outcome).toMatch(/^Restored 4 files, 1 folder, 1 symbolic link, 1 further name, 5\.0 MiB to its place in work in .*\. 1 entry was there already, the same by size and time\.$/);
    const after = await seeTree(volume);
    // The folder that was there is as it was, but for its time.
    for (const tree of [before, after]) delete tree.get('/docs')?.modifiedNs;
    expect(after).toEqual(before);
    expect(await lab.snapshotNames()).toEqual(['monday', 'tuesday']);
    const holes = await volume.query((files) => files.stat(files.resolvePath('/docs/deep/holes')));
    expect(holes.allocatedBytes).toBeLessThan(MiB);
    await volume.takeCp();
    expect((await volume.check()).problems).toEqual([]);
  });

  it('makes missing folders again as they were, and nothing for what is not there', async () => {
    for (const path of ['/docs/report.txt', '/docs/notes.txt', '/docs']) await remove(volume, path);
    const job = await lab.restore({ paths: ['/docs/report.txt', '/docs/none/x'] });
    expect(job).toMatchObject({ state: 'done', problemCount: 1, problems: [{ path: '/docs/none/x', code: 'not-found' }] });
    const seen = await seeTree(volume);
    expect([...seen.keys()]).toEqual(['/docs', '/docs/report.txt']);
    expect(seen.get('/docs')).toMatchObject({ mode: 0o750, uid: 7 });
    expect(await lab.restore({ paths: ['/none'] })).toMatchObject({ state: 'failed', fault: { code: 'not-found' } });
  });

  it.each<{ choice: CollisionChoice; expected: Record<string, string>; outcome: RegExp }>([
    { choice: 'skip', expected: { 'report.txt': 'newer', 'notes.txt': 'notes' }, outcome: /^Nothing was restored\. .* 1 entry was skipped\.$/ },
    { choice: 'replace', expected: { 'report.txt': 'as on monday', 'notes.txt': 'notes' }, outcome: /1 in the place of what was there\./ },
    { choice: 'keep-both', expected: { 'report.txt': 'newer', 'report (restored).txt': 'as on monday', 'notes.txt': 'notes' }, outcome: /1 beside it\./ },
  ])('does with what is in the way what was chosen: $choice', async ({ choice, expected, outcome }) => {
    await writeFile(volume, '/docs/report.txt', { content: 'newer', modifiedNs: 5_000n });
    const job = await lab.restore({ collisions: choice });
    expect(job).toMatchObject({ state: 'done', problemCount: 0 });
    expect(job.outcome).toMatch(outcome);
    expect(await texts(volume, '/docs')).toEqual(expected);
    expect((await lab.snapshotNames()).length).toBe(choice === 'replace' ? 2 : 1);
    // The same again changes nothing more, or finds the next free name.
    await lab.restore({ collisions: choice });
    expect(await texts(volume, '/docs')).toEqual({ ...expected, ...(choice === 'keep-both' && { 'report (restored 2).txt': 'as on monday' }) });
    expect(await lab.temporaryNames()).toEqual([]);
  });

  it('keeps the volume as it was in a snapshot of its own name before it replaces anything, once, and no schedule takes that', async () => {
    await writeFile(volume, '/docs/report.txt', { content: 'newer', modifiedNs: 5_000n });
    await writeFile(volume, '/docs/notes.txt', { content: 'newer notes', modifiedNs: 5_000n });
    const job = await lab.restore({ collisions: 'replace' });
    const [, name = ''] = await lab.snapshotNames();
    expect(await lab.snapshotNames()).toHaveLength(2);
    expect(name).toMatch(/^before-restore-[-0-9]+T[.0-9]+Z$/);
    expect(job.outcome).toContain(`"${name}"`);
    await using view = await volume.openView({ snapshot: name });
    expect(await texts(view, '/docs')).toEqual({ 'report.txt': 'newer', 'notes.txt': 'newer notes' });
    // Within the same second there is another name.
    await writeFile(volume, '/docs/report.txt', { content: 'newest', modifiedNs: 6_000n });
    await lab.restore({ collisions: 'replace' });
    expect(await lab.snapshotNames()).toEqual(['monday', name, `${name}-2`]);
    await lab.server.client.schedule.set({ volume: 'work', schedule: { everyMs: 60_000, keep: { last: 1 } } });
    await lab.server.pass(600_000, 30_000);
    expect(await lab.snapshotNames()).toEqual(expect.arrayContaining(['monday', name, `${name}-2`]));
  });

  it('replaces nothing when the snapshot cannot be taken', async () => {
    await writeFile(volume, '/docs/report.txt', { content: 'newer', modifiedNs: 5_000n });
    const { snapshots } = volume;
    snapshots.create = () => Promise.reject(new MirrorpointError('snapshot-exists', 'It is there.'));
    expect(await lab.restore({ collisions: 'replace' })).toMatchObject({ state: 'failed', fault: { code: 'snapshot-exists' } });
    expect(await texts(volume, '/docs')).toMatchObject({ 'report.txt': 'newer' });
  });

  it('does path by path what was chosen for each', async () => {
    await writeFile(volume, '/docs/report.txt', { content: 'newer', modifiedNs: 5_000n });
    await writeFile(volume, '/docs/notes.txt', { content: 'newer notes', modifiedNs: 5_000n });
    await lab.restore({ collisions: 'skip', choices: [{ path: '/docs/notes.txt', choice: 'replace' }] });
    expect(await texts(volume, '/docs')).toEqual({ 'report.txt': 'newer', 'notes.txt': 'notes' });
  });

  it('leaves folders and files that are in the way of each other alone unless both are to be kept', async () => {
    await remove(volume, '/docs/report.txt');
    await makeFolder(volume, '/docs/report.txt');
    await writeFile(volume, '/docs/report.txt/precious', { content: 'precious' });
    await makeFolder(volume, '/new');
    await writeFile(volume, '/new/docs', { content: 'a file' });
    const first = await lab.restore({ collisions: 'replace' });
    expect(first).toMatchObject({ state: 'done', problems: [{ path: '/docs/report.txt', code: 'is-a-directory' }] });
    expect(first.problems[0]?.message).toContain('work:/docs/report.txt');
    const second = await lab.restore({ collisions: 'replace', target: { kind: 'volume', volume: 'work', folder: '/new' } });
    expect(second).toMatchObject({ state: 'done', problems: [{ path: '/docs', code: 'not-a-directory' }] });
    expect(await lab.snapshotNames()).toEqual(['monday']);
    await lab.restore({ collisions: 'keep-both', target: { kind: 'volume', volume: 'work', folder: '/new' } });
    await lab.restore({ collisions: 'keep-both' });
    expect(await texts(volume, '/new/docs (restored)')).toEqual({ 'report.txt': 'as on monday', 'notes.txt': 'notes' });
    expect(await texts(volume, '/docs')).toEqual({ 'report (restored).txt': 'as on monday', 'notes.txt': 'notes' });
    expect(await texts(volume, '/docs/report.txt')).toEqual({ precious: 'precious' });
  });

  it('goes into a folder under its own names, and never over what it restored itself', async () => {
    await makeFolder(volume, '/other');
    await writeFile(volume, '/other/report.txt', { content: 'the other' });
    await writeFile(volume, '/docs/report (restored).txt', { content: 'named so' });
    await lab.snapshot('tuesday');
    await makeFolder(volume, '/into');
    await writeFile(volume, '/into/report.txt', { content: 'was there', modifiedNs: 1n });
    const target = { kind: 'volume', volume: 'work', folder: '/into' } as const;
    const paths = ['/docs/report.txt', '/other/report.txt', '/docs/report (restored).txt', '/docs/notes.txt'];
    await lab.restore({ at: { snapshot: 'tuesday' }, collisions: 'keep-both', target, paths });
    expect(await texts(volume, '/into')).toEqual({
      'report.txt': 'was there',
      'report (restored 3).txt': 'as on monday',
      'report (restored 2).txt': 'the other',
      'report (restored).txt': 'named so',
      'notes.txt': 'notes',
    });
    expect(await lab.restore({ target: { kind: 'volume', volume: 'work', folder: '/into' }, paths: ['/'] })).toMatchObject({ state: 'done', problemCount: 0 });
    expect(await texts(volume, '/into/docs')).toEqual({ 'report.txt': 'as on monday', 'notes.txt': 'notes' });
  });

  it('of the live state takes it as it is at that moment, also into itself', async () => {
    await makeFolder(volume, '/docs/inner');
    const job = await lab.restore({ at: 'live', target: { kind: 'volume', volume: 'work', folder: '/docs/inner' } });
    expect(job).toMatchObject({ state: 'done', problemCount: 0 });
    expect([...(await seeTree(volume, '/docs/inner')).keys()].toSorted()).toEqual(['/docs', '/docs/inner', '/docs/notes.txt', '/docs/report.txt']);
  });

  it('keeps files with several names one file, also where one of them is there already', async () => {
    await makeLink(volume, '/docs/second', '/docs/report.txt');
    await makeLink(volume, '/docs/third', '/docs/report.txt');
    await lab.snapshot('tuesday');
    await remove(volume, '/docs/second');
    await remove(volume, '/docs/third');
    await writeFile(volume, '/docs/third', { content: 'another', modifiedNs: 8n });
    const job = await lab.restore({ at: { snapshot: 'tuesday' }, collisions: 'replace' });
    expect(job).toMatchObject({ state: 'done', problemCount: 0 });
    const inos = await volume.query((files) => ['report.txt', 'second', 'third'].map((name) => files.resolvePath(`/docs/${name}`)));
    expect(new Set(inos).size).toBe(1);
    expect(await lab.temporaryNames()).toEqual([]);
    expect((await volume.query((files) => files.stat(inos[0]!))).linkCount).toBe(3);
  });

  it.each<{ changed: string; change: (live: LiveFiles, ino: number) => void; linkCount: number }>([
    { changed: 'nothing', change: () => undefined, linkCount: 2 },
    { changed: 'a mode', change: (live, ino) => live.setAttributes(ino, { mode: 0o600 }), linkCount: 1 },
    { changed: 'an owner', change: (live, ino) => live.setAttributes(ino, { uid: 8 }), linkCount: 1 },
    { changed: 'the value of an extended attribute', change: (live, ino) => live.setExtendedAttribute(ino, 'user.tag', Buffer.from('blue')), linkCount: 1 },
    { changed: 'one more extended attribute', change: (live, ino) => live.setExtendedAttribute(ino, 'user.z', Buffer.from('new')), linkCount: 1 },
    { changed: 'an extended attribute that is gone', change: (live, ino) => live.removeExtendedAttribute(ino, 'user.tag'), linkCount: 1 },
  ])('makes a missing name as it was, a link only to what is as it was: $changed', async ({ change, linkCount }) => {
    const ino = await writeFile(volume, '/docs/report.txt', { content: 'tagged', modifiedNs: 5n, extended: { 'user.tag': 'red' } });
    await makeLink(volume, '/docs/second', '/docs/report.txt');
    await lab.snapshot('tuesday');
    const before = await seeTree(volume);
    await remove(volume, '/docs/second');
    await volume.change(changeBlocks.extendedAttribute(4096), (live) => change(live, ino));
    const live = await seeTree(volume);
    expect(await lab.restore({ at: { snapshot: 'tuesday' }, collisions: 'skip' })).toMatchObject({ state: 'done', problemCount: 0 });
    const after = await seeTree(volume);
    expect(after.get('/docs/report.txt')).toEqual(live.get('/docs/report.txt'));
    expect({ ...after.get('/docs/second'), sameAs: undefined }).toEqual({ ...before.get('/docs/second'), sameAs: undefined });
    expect(await volume.query((files) => files.stat(ino).linkCount)).toBe(linkCount);
  });
});
