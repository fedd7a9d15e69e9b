import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalTree } from '../../src-main/engine/index.ts';
import { ImportJob } from '../../src-main/engine/import-job.ts';
import type { Job } from '../../src-main/engine/job.ts';
import { removePath } from '../../src-main/engine/remove-job.ts';
import { TemporaryNames } from '../../src-main/engine/temporary-names.ts';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { jobEvents } from './job-lab.ts';

const MiB = 1 << 20;

const { localTree: machineTree } = machinePorts({ configFolder: '/', requestStop: () => undefined, report: () => undefined });

function localFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-import-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** The machine's files, with something that happens when a file is read at an offset. */
function treeWhere(happening: (path: string, offsetBytes: number) => Promise<void>): LocalTree {
  return {
    ...machineTree,
    async readWhole(path, sizeBytes) {
      await happening(path, 0);
      return machineTree.readWhole(path, sizeBytes);
    },
    async openRead(path) {
      const reader = await machineTree.openRead(path);
      return {
        async readInto(offsetBytes, target) {
          await happening(path, offsetBytes);
          return reader.readInto(offsetBytes, target);
        },
        stat: () => reader.stat(),
        close: () => reader.close(),
        [Symbol.asyncDispose]: () => reader.close(),
      };
    },
  };
}

/** Imports at most as far as faults let it; the codes of the problems. */
async function put(
  volume: Volume,
  place: { tree: LocalTree; local: string; path: string; names?: TemporaryNames },
): Promise<string[]> {
  const { tree, local, path, names: temporaryNames = new TemporaryNames() } = place;
  const events = await jobEvents((job: Job) => new ImportJob({ volume, temporaryNames, tree, job }).run(local, path));
  return events.flatMap(({ code }) => code ?? []);
}

async function remove(volume: Volume, path: string): Promise<void> {
  await jobEvents((job: Job) => removePath(volume, job, { path, recursive: true }));
}

async function content(volume: Volume, path: string): Promise<Buffer> {
  const { ino, sizeBytes } = await volume.query((files) => files.stat(files.resolvePath(path)));
  const bytes = Buffer.alloc(sizeBytes);
  await volume.readInto(ino, 0, bytes);
  return bytes;
}

function names(volume: Volume, path: string): Promise<string[]> {
  return volume.query((files) => files.readDirectory(files.resolvePath(path), undefined, 1000).map(({ name }) => name));
}

describe('an import', () => {
  it('writes into no other file when what it brings in is removed meanwhile', async () => {
    await using volume = await new MemoryHome().create();
    const folder = localFolder();
    mkdirSync(join(folder, 'dir'));
    writeFileSync(join(folder, 'dir/large'), Buffer.alloc(6 * MiB, 'L'));
    let victims = 0;
    const tree = treeWhere(async (_path, offsetBytes) => {
      if (offsetBytes !== 2 * MiB) return;
      await remove(volume, '/dir');
      // Whatever numbers have become free are taken by these.
      for (; victims < 8; victims++) {
        await volume.change(changeBlocks.create + 2, (files) => {
          const ino = files.createFile(rootDirectoryInode, `victim${victims}`, { mode: 0o644, uid: 0, gid: 0 });
          files.write(ino, 0, Buffer.from('mine'));
        });
      }
    });
    expect(await put(volume, { tree, local: join(folder, 'dir'), path: '/dir' })).toEqual(['not-found']);
    for (let index = 0; index < victims; index++) expect((await content(volume, `/victim${index}`)).toString()).toBe('mine');
    expect(victims).toBe(8);
    await volume.takeCp();
    expect((await volume.check()).problems).toEqual([]);
  });

  it('puts nothing into another folder when its own is removed meanwhile', async () => {
    await using volume = await new MemoryHome().create();
    const folder = localFolder();
    mkdirSync(join(folder, 'dir'));
    for (let index = 0; index < 400; index++) writeFileSync(join(folder, 'dir', `${index}`), 'x');
    let isRemoved = false;
    const tree = treeWhere(async () => {
      if (isRemoved) return;
      isRemoved = true;
      await remove(volume, '/dir');
      for (const other of ['/other', '/another']) {
        await volume.change(changeBlocks.create, (files) =>
          files.makeDirectory(rootDirectoryInode, other.slice(1), { mode: 0o755, uid: 0, gid: 0 }),
        );
      }
    });
    const codes = await put(volume, { tree, local: join(folder, 'dir'), path: '/dir' });
    expect(new Set(codes)).toEqual(new Set(['not-found']));
    expect(await names(volume, '/other')).toEqual([]);
    expect(await names(volume, '/another')).toEqual([]);
  });

  it('beside another one of the same name mixes nothing: one of the two is there, whole', async () => {
    await using volume = await new MemoryHome().create();
    const folder = localFolder();
    writeFileSync(join(folder, 'a'), Buffer.alloc(5 * MiB, 'a'));
    writeFileSync(join(folder, 'b'), Buffer.alloc(5 * MiB, 'b'));
    const temporary = new TemporaryNames();
    let second: Promise<string[]> | undefined;
    const tree = treeWhere(async (path, offsetBytes) => {
      if (!path.endsWith('a') || offsetBytes !== 2 * MiB) return;
      second ??= put(volume, { tree: machineTree, local: join(folder, 'b'), path: '/file', names: temporary });
      await second;
    });
    const codes = await put(volume, { tree, local: join(folder, 'a'), path: '/file', names: temporary });
    expect(await second).toEqual([]);
    expect(codes).toEqual(['exists']);
    expect((await content(volume, '/file')).every((byte) => byte === 'b'.charCodeAt(0))).toBe(true);
    expect(await names(volume, '/')).toEqual(['file']);
  });

  it('leaves nothing open: what is removed later gives its room back', async () => {
    await using volume = await new MemoryHome().create();
    const folder = localFolder();
    mkdirSync(join(folder, 'dir/inner'), { recursive: true });
    writeFileSync(join(folder, 'dir/inner/large'), Buffer.alloc(3 * MiB, 'x'));
    await put(volume, { tree: machineTree, local: join(folder, 'dir'), path: '/dir' });
    await put(volume, { tree: machineTree, local: join(folder, 'dir'), path: '/dir' });
    await remove(volume, '/dir');
    await volume.takeCp();
    expect(volume.status().inodeCount).toBe(1);
    expect(await volume.query((files) => files.orphanCount)).toBe(0);
  });
});
