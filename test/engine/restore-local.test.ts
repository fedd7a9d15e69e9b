import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MirrorpointError } from '../../src-main/base/index.ts';
import { previewEntriesMax } from '../../src-main/contract/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import { RestoreLab } from './restore-lab.ts';
import { makeFolder, makeLink, makeSymlink, remove, writeFile } from './volume-trees.ts';

const MiB = 1 << 20;

let lab: RestoreLab;
let folder: string;

beforeEach(async () => {
  lab = await RestoreLab.open();
  folder = mkdtempSync(join(tmpdir(), 'mp-restore-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('a restore to a folder of the machine', () => {
  it('keeps what the machine can keep, and the names of one file together', async () => {
    const { volume } = lab;
    await writeFile(volume, '/docs/large', { content: Buffer.alloc(2 * MiB + 3, 'L'), mode: 0o640, modifiedNs: 1_700_000_000_123_456_789n });
    await makeLink(volume, '/docs/same', '/docs/large');
    await makeSymlink(volume, '/docs/link', 'report.txt');
    await lab.snapshot('tuesday');
    const job = await lab.restore({ at: { snapshot: 'tuesday' }, target: { kind: 'local', folder } });
    expect(job).toMatchObject({ state: 'done', problemCount: 0, volume: 'work', subject: `work@tuesday:/docs to ${folder}` });
    const stat = statSync(join(folder, 'docs', 'large'), { bigint: true });
    expect([stat.mode & 0o777n, stat.mtimeNs / 1000n, stat.ino]).toEqual([0o640n, 1_700_000_000_123_456n, statSync(join(folder, 'docs', 'same'), { bigint: true }).ino]);
    expect(readFileSync(join(folder, 'docs', 'large')).equals(Buffer.alloc(2 * MiB + 3, 'L'))).toBe(true);
    expect(readlinkSync(join(folder, 'docs', 'link'))).toBe('report.txt');
    expect(statSync(join(folder, 'docs')).mode & 0o777).toBe(0o750);
    // What is the same by size and time is no collision, although times here are to the microsecond only.
    const again = await lab.restore({ at: { snapshot: 'tuesday' }, target: { kind: 'local', folder }, collisions: 'keep-both' });
    expect(again.outcome).toMatch(/^Nothing was restored\. 5 entries were there already, the same by size and time\.$/);
  });

  it.each([
    { collisions: 'skip', expected: { 'report.txt': 'mine' } },
    { collisions: 'replace', expected: { 'report.txt': 'as on monday' } },
    { collisions: 'keep-both', expected: { 'report.txt': 'mine', 'report (restored).txt': 'as on monday' } },
  ] as const)('does with what is in the way what was chosen: $collisions', async ({ collisions, expected }) => {
    writeFileSync(join(folder, 'report.txt'), 'mine');
    const job = await lab.restore({ target: { kind: 'local', folder }, paths: ['/docs/report.txt'], collisions });
    expect(job.state).toBe('done');
    expect(Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))).toEqual(expected);
    expect(await lab.snapshotNames()).toEqual(['monday']);
  });

  it('reaches a folder over a symbolic link, and follows none inside', async () => {
    mkdirSync(join(folder, 'real'));
    mkdirSync(join(folder, 'outside'));
    symlinkSync('real', join(folder, 'way'));
    symlinkSync(join(folder, 'outside'), join(folder, 'real', 'docs'));
    const job = await lab.restore({ target: { kind: 'local', folder: join(folder, 'way') }, collisions: 'replace' });
    expect(job).toMatchObject({ state: 'done', problems: [{ path: '/docs', code: 'not-a-directory' }] });
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
    expect(lstatSync(join(folder, 'real', 'docs')).isSymbolicLink()).toBe(true);
  });

  it('leaves out a name that the machine cannot hold, and restores the rest', async () => {
    const { localTree } = lab.server.engine.ports;
    const join = localTree.join.bind(localTree);
    localTree.join = (folder_, name) => {
      if (name.includes(':')) throw new MirrorpointError('name-invalid', `'${name}' cannot be a name on this machine.`);
      return join(folder_, name);
    };
    onTestFinished(() => {
      localTree.join = join;
    });
    await writeFile(lab.volume, '/docs/10:30.txt', { content: 'a time' });
    await lab.snapshot('tuesday');
    const job = await lab.restore({ at: { snapshot: 'tuesday' }, target: { kind: 'local', folder } });
    expect(job).toMatchObject({ state: 'done', problems: [{ path: '/docs/10:30.txt', code: 'name-invalid' }] });
    expect(readdirSync(`${folder}/docs`).toSorted()).toEqual(['notes.txt', 'report.txt']);
  });

  it.each(['cancelled', 'full'])('that is %s in the midst of a file leaves no part of it', async (how) => {
    await writeFile(lab.volume, '/docs/large', { content: Buffer.alloc(5 * MiB, 'L') });
    await lab.snapshot('tuesday');
    const { localTree } = lab.server.engine.ports;
    const { createFile } = localTree;
    let writes = 0;
    localTree.createFile = async (path) => {
      const writer = await createFile(path);
      const write = writer.write.bind(writer);
      writer.write = async (offset, bytes) => {
        if (path.endsWith('large') && ++writes === 3) {
          if (how === 'full') throw new MirrorpointError('device-full', 'There is no room.');
          void lab.server.client.jobs.cancel({ jobId });
        }
        await write(offset, bytes);
      };
      return writer;
    };
    onTestFinished(() => {
      localTree.createFile = createFile;
    });
    const jobId = await lab.begin({ at: { snapshot: 'tuesday' }, target: { kind: 'local', folder } });
    const job = await lab.ended(jobId);
    expect(job).toMatchObject(how === 'full' ? { state: 'failed', fault: { code: 'device-full' } } : { state: 'cancelled' });
    expect(readdirSync(join(folder, 'docs')).filter((name) => name.includes('large'))).toEqual([]);
  });
});

describe('a preview', () => {
  it('tells what would come, what is in the way, and the room, and does nothing', async () => {
    const { volume, server } = lab;
    await makeFolder(volume, '/docs/deep');
    await writeFile(volume, '/docs/deep/a', { content: 'aaa', modifiedNs: 5n });
    await writeFile(volume, '/docs/deep/b', { content: 'bbbb', modifiedNs: 6n });
    await lab.snapshot('tuesday');
    await remove(volume, '/docs/deep/a');
    await writeFile(volume, '/docs/deep/b', { content: 'other', modifiedNs: 60n });
    const { source, target } = lab.request({ at: { snapshot: 'tuesday' } });
    const { freeBlockCount, blockSizeBytes, cp } = volume.status();
    expect(await server.client.restore.preview({ source, target })).toEqual({
      files: 2,
      directories: 0,
      bytes: 7,
      isPart: false,
      collisions: [
        {
          path: '/docs/deep/b',
          target: 'work:/docs/deep/b',
          incoming: { kind: 'file', sizeBytes: 4, modifiedNs: 6n },
          existing: { kind: 'file', sizeBytes: 5, modifiedNs: 60n },
        },
      ],
      freeBytes: freeBlockCount * blockSizeBytes,
    });
    writeFileSync(join(folder, 'docs'), 'in the way');
    utimesSync(join(folder, 'docs'), 1, 1);
    const local = await server.client.restore.preview({ source, target: { kind: 'local', folder } });
    expect(local).toMatchObject({ files: 4, directories: 2, collisions: [{ path: '/docs', target: join(folder, 'docs'), incoming: { kind: 'directory' }, existing: { kind: 'file', sizeBytes: 10, modifiedNs: 1_000_000_000n } }] });
    expect(local.freeBytes).toBeGreaterThan(0);
    expect([volume.status().cp, readdirSync(folder)]).toEqual([cp, ['docs']]);
    await expect(server.client.restore.preview({ source: { ...source, paths: ['/none'] }, target })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of very much looks at a part, and says so', async () => {
    const { volume, server } = lab;
    await makeFolder(volume, '/many');
    const parent = await volume.query((files) => files.resolvePath('/many'));
    for (let index = 0; index < previewEntriesMax + 600; index++) {
      await volume.change(changeBlocks.create, (files) => files.createFile(parent, `f${index}`, { mode: 0o644, uid: 0, gid: 0 }));
    }
    const { source, target } = lab.request({ at: 'live', paths: ['/many'], target: { kind: 'local', folder } });
    const preview = await server.client.restore.preview({ source, target });
    expect(preview.isPart).toBe(true);
    expect(preview.files).toBeGreaterThanOrEqual(previewEntriesMax);
    expect(preview.files).toBeLessThan(previewEntriesMax + 600);
  });
});
