import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { machineWatch } from '../../src-main/shells/headless/local-watch.ts';
import { localWatchContract, type WatchedMachine } from '../suites/local-watch-contract.ts';

function folder(): string {
  const made = fs.mkdtempSync(join(tmpdir(), 'mp-watch-'));
  onTestFinished(() => {
    fs.rmSync(made, { recursive: true, force: true });
  });
  return made;
}

function machine(isOfTree: boolean): WatchedMachine {
  return {
    root: folder(),
    watch: (root, listener) => machineWatch(root, listener, isOfTree),
    makeFolder: (path) => fs.mkdirSync(path),
    write: (path, content) => fs.writeFileSync(path, content),
    rename: (from, to) => fs.renameSync(from, to),
    remove: (path) => fs.rmSync(path),
  };
}

localWatchContract('each folder by itself', () => machine(false));
// Elsewhere the system watches a tree. On Linux Node's own watch on a tree misses what comes into a new folder at once.
if (process.platform === 'darwin' || process.platform === 'win32') localWatchContract('the tree', () => machine(true));

it('says that a folder which is not there cannot be watched', () => {
  const watch = machineWatch('/', { changed: () => undefined, lost: () => undefined }, false);
  expect(watch.add(join(folder(), 'none'))).toBe(false);
  watch.close();
});
