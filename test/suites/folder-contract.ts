import { describe, expect, it } from 'vitest';
import type { MachinePort } from '../../src-main/engine/index.ts';

/** Where the suite may make things, and how. */
export interface FolderHarness {
  readonly machine: Pick<MachinePort, 'folder'>;
  /** Absolute, there, and empty. */
  readonly root: string;
  makeFolder(path: string): void;
  makeFile(path: string, sizeBytes: number): void;
}

/** What every way to list the folders of a machine must hold. */
export function folderContract(name: string, makeHarness: () => FolderHarness): void {
  describe(`folder contract: ${name}`, () => {
    it('lists folders first, then files with their sizes, each sorted by name, hidden ones too', async () => {
      const { machine, root, makeFolder, makeFile } = makeHarness();
      for (const folder of ['b', 'a', '.hidden']) makeFolder(`${root}/${folder}`);
      for (const [index, file] of ['file10', 'file2', '.rc', 'a.img'].entries()) makeFile(`${root}/${file}`, 100 * index);
      const listed = await machine.folder(root);
      expect(listed.entries).toEqual([
        ...['.hidden', 'a', 'b'].map((folder) => ({ name: folder, path: `${root}/${folder}`, kind: 'directory', sizeBytes: 0 })),
        { name: '.rc', path: `${root}/.rc`, kind: 'file', sizeBytes: 200 },
        { name: 'a.img', path: `${root}/a.img`, kind: 'file', sizeBytes: 300 },
        { name: 'file2', path: `${root}/file2`, kind: 'file', sizeBytes: 100 },
        { name: 'file10', path: `${root}/file10`, kind: 'file', sizeBytes: 0 },
      ]);
      expect(listed).toMatchObject({ path: root, more: false, isWritable: true });
      expect(listed.freeBytes).toBeGreaterThan(0);
    });

    it('leads up to the root, and no further', async () => {
      const { machine, root, makeFolder } = makeHarness();
      makeFolder(`${root}/deep`);
      const seen: string[] = [];
      for (let at: string | undefined = `${root}/deep`; at !== undefined; at = (await machine.folder(at)).parent) seen.push(at);
      expect(seen.slice(0, 2)).toEqual([`${root}/deep`, root]);
      expect(seen.at(-1)).toBe('/');
    });

    it('begins with the home of the user', async () => {
      const { machine } = makeHarness();
      expect((await machine.folder(undefined)).path).toMatch(/^\//);
    });

    it('lists no more than it may, and says that there are more', async () => {
      const { machine, root, makeFolder, makeFile } = makeHarness();
      for (let index = 0; index < 1005; index++) makeFile(`${root}/${index}`, 0);
      makeFolder(`${root}/zoo`);
      const { entries, more } = await machine.folder(root);
      expect([entries.length, more, entries[0]?.name]).toEqual([1000, true, 'zoo']);
    });

    it('refuses what is no folder, each by its code', async () => {
      const { machine, root, makeFile } = makeHarness();
      makeFile(`${root}/file`, 1);
      await expect(machine.folder(`${root}/nothing`)).rejects.toMatchObject({ code: 'not-found' });
      await expect(machine.folder(`${root}/file`)).rejects.toMatchObject({ code: 'not-a-directory' });
      await expect(machine.folder('relative')).rejects.toMatchObject({ code: 'argument-invalid' });
    });
  });
}
