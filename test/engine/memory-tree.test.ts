import { localWatchContract } from '../suites/local-watch-contract.ts';
import { MemoryTree } from './memory-tree.ts';

localWatchContract('in memory', () => {
  const tree = new MemoryTree(() => 1n);
  tree.makeFolder('/root');
  return {
    root: '/root',
    watch: tree.watchFolder,
    makeFolder: (path) => {
      tree.makeFolder(path);
    },
    write: (path, content) => {
      tree.write(path, content);
    },
    rename: (from, to) => {
      tree.rename(from, to);
    },
    remove: (path) => {
      tree.remove(path);
    },
  };
});
