import { setTimeout as sleepReally } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LocalWatch, LocalWatchListener } from '../../src-main/engine/index.ts';

/** A machine whose folders are watched, as a test changes it. */
export interface WatchedMachine {
  /** A folder that is there. */
  readonly root: string;
  watch(root: string, listener: LocalWatchListener): LocalWatch;
  makeFolder(path: string): void;
  write(path: string, content: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

/** What a watch on local folders must tell, whatever the system. */
export function localWatchContract(name: string, open: () => WatchedMachine): void {
  describe(`a watch on local folders (${name})`, () => {
    /** Changes something and waits until a name is told of. */
    async function toldOf(machine: WatchedMachine, told: Set<string>, wanted: string, change: () => void): Promise<void> {
      told.clear();
      change();
      await expect.poll(() => [...told], { timeout: 20_000 }).toContain(`${machine.root}/${wanted}`);
    }

    function listening(told: Set<string>): LocalWatchListener {
      return {
        changed: (folder, entry) => told.add(`${folder}/${entry ?? '?'}`),
        lost: () => told.add('lost'),
      };
    }

    it('tells of files and folders that come, change, are renamed and go', async () => {
      const machine = open();
      const told = new Set<string>();
      const watch = machine.watch(machine.root, listening(told));
      expect(watch.add(machine.root)).toBe(true);
      // Some systems begin to tell only a moment later.
      await sleepReally(50);
      await toldOf(machine, told, 'file', () => machine.write(`${machine.root}/file`, 'one'));
      await toldOf(machine, told, 'file', () => machine.write(`${machine.root}/file`, 'other'));
      await toldOf(machine, told, 'renamed', () => machine.rename(`${machine.root}/file`, `${machine.root}/renamed`));
      await toldOf(machine, told, 'renamed', () => machine.remove(`${machine.root}/renamed`));
      await toldOf(machine, told, 'folder', () => machine.makeFolder(`${machine.root}/folder`));
      watch.close();
    });

    it('tells of a folder inside from when it is added, under the name that it has when it is added again', async () => {
      const machine = open();
      const told = new Set<string>();
      const watch = machine.watch(machine.root, listening(told));
      watch.add(machine.root);
      machine.makeFolder(`${machine.root}/inner`);
      watch.add(`${machine.root}/inner`);
      await sleepReally(50);
      await toldOf(machine, told, 'inner/file', () => machine.write(`${machine.root}/inner/file`, 'one'));
      machine.rename(`${machine.root}/inner`, `${machine.root}/moved`);
      watch.remove(`${machine.root}/inner`);
      watch.add(`${machine.root}/moved`);
      await sleepReally(50);
      await toldOf(machine, told, 'moved/file', () => machine.write(`${machine.root}/moved/file`, 'other'));
      // Another folder at a path that was watched before is watched when it is added.
      machine.rename(`${machine.root}/moved`, `${machine.root}/away`);
      machine.makeFolder(`${machine.root}/moved`);
      watch.add(`${machine.root}/moved`);
      await sleepReally(50);
      await toldOf(machine, told, 'moved/new', () => machine.write(`${machine.root}/moved/new`, 'new'));
      watch.close();
      watch.close();
    });

    it('tells nothing once it is closed', async () => {
      const machine = open();
      const told = new Set<string>();
      const watch = machine.watch(machine.root, listening(told));
      watch.add(machine.root);
      watch.close();
      machine.write(`${machine.root}/file`, 'one');
      await sleepReally(100);
      expect([...told]).toEqual([]);
    });
  });
}
