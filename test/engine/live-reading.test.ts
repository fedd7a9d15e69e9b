import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sourceOfRoot } from '../../src-main/engine/export-source.ts';
import type { Job } from '../../src-main/engine/job.ts';
import { openPrimaryRoot, type ReadableRoot } from '../../src-main/engine/readable-root.ts';
import { takeOut } from '../../src-main/engine/take-out.ts';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { jobEvents } from './job-lab.ts';

const MiB = 1 << 20;

const { localTree } = machinePorts({ configFolder: '/', requestStop: () => undefined, report: () => undefined });

async function makeFile(volume: Volume, name: string, fill: string): Promise<number> {
  const ino = await volume.change(changeBlocks.create, (files) =>
    files.createFile(rootDirectoryInode, name, { mode: 0o644, uid: 0, gid: 0 }),
  );
  for (let offset = 0; offset < 3 * MiB; offset += MiB) {
    await volume.change(changeBlocks.write(MiB, 4096), (files) => {
      files.write(ino, offset, Buffer.alloc(MiB, fill));
    });
  }
  return ino;
}

function unlink(volume: Volume, name: string): Promise<void> {
  return volume.change(changeBlocks.remove, (files) => {
    files.unlink(rootDirectoryInode, name);
  }, { frees: true });
}

describe('a file of the live state', () => {
  it('that is open for reading stays what it was when its name is removed, and gives its room back when closed', async () => {
    await using volume = await new MemoryHome().create();
    const ino = await makeFile(volume, 'file', 'a');
    const root = await openPrimaryRoot(volume, 'live');
    expect(await root.keep((files) => files.resolvePath('/file'))).toBe(ino);
    await unlink(volume, 'file');
    await volume.takeCp();
    expect(await makeFile(volume, 'other', 'b')).not.toBe(ino);
    const target = Buffer.alloc(3 * MiB);
    expect(await root.readInto(ino, 0, target)).toBe(3 * MiB);
    expect(target.every((byte) => byte === 'a'.charCodeAt(0))).toBe(true);
    await root.close();
    expect(volume.status().inodeCount).toBe(2);
  });

  it('that becomes another while it is taken out is left out, not mixed', async () => {
    await using volume = await new MemoryHome().create();
    const folder = mkdtempSync(join(tmpdir(), 'mp-export-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const ino = await makeFile(volume, 'file', 'a');
    const live = await openPrimaryRoot(volume, 'live');
    const root: ReadableRoot = {
      ...live,
      async readInto(at, offsetBytes, target) {
        if (offsetBytes === MiB) {
          await unlink(volume, 'file');
          expect(await makeFile(volume, 'other', 'b')).toBe(ino);
        }
        return live.readInto(at, offsetBytes, target);
      },
    };
    const local = join(folder, 'file');
    const out = (path: string, from: ReadableRoot): ReturnType<typeof jobEvents> =>
      jobEvents((job: Job) => takeOut(sourceOfRoot(from), { path, local, overwrite: false }, { tree: localTree, job }));
    expect((await out('/file', root)).flatMap(({ code }) => code ?? [])).toEqual(['source-changed']);
    expect(existsSync(local)).toBe(false);
    await root.close();
    const again = await openPrimaryRoot(volume, 'live');
    expect((await out('/other', again)).map(({ type }) => type)).not.toContain('problem');
    expect(readFileSync(local).every((byte) => byte === 'b'.charCodeAt(0))).toBe(true);
  });
});
