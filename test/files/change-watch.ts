import { type Inode, InodeTable } from '../../src-main/files/index.ts';
import { BlockFile } from '../../src-main/tree/index.ts';

/** What one operation has read, and whether it has changed anything yet. */
interface Watched {
  readonly known: Map<object, Set<number>>;
  /** Content of inodes that the operation took into use: all hole, so reading it cannot miss. */
  readonly fresh: Set<object>;
  hasChanged: boolean;
  readonly late: string[];
}

let current: Watched | undefined;

function knownOf(owner: object, watched: Watched): Set<number> {
  let known = watched.known.get(owner);
  if (known === undefined) watched.known.set(owner, (known = new Set()));
  return known;
}

function noteRead(owner: object, index: number, what: string): void {
  if (current === undefined) return;
  const known = knownOf(owner, current);
  if (current.hasChanged && !known.has(index) && !current.fresh.has(owner)) current.late.push(`${what} ${index}`);
  known.add(index);
}

function noteMade(owner: object, index: number): void {
  if (current === undefined) return;
  current.hasChanged = true;
  knownOf(owner, current).add(index);
}

/** Watches a method without changing what it does. */
function before<K extends string>(prototype: Record<K, (...parameters: never[]) => unknown>, name: K, note: (self: object, first: never) => void): void {
  const original = prototype[name];
  prototype[name] = function (this: object, ...parameters: never[]): unknown {
    note(this, parameters[0]!);
    return original.apply(this, parameters);
  };
}

const file = BlockFile.prototype as unknown as Record<'read' | 'write' | 'overwrite' | 'punch', (...parameters: never[]) => unknown>;
before(file, 'read', (self, index) => {
  noteRead(self, index, 'block');
});
before(file, 'overwrite', noteMade);
before(file, 'write', (self, index) => {
  noteRead(self, index, 'block');
  noteMade(self, index);
});
before(file, 'punch', () => {
  if (current !== undefined) current.hasChanged = true;
});
const table = InodeTable.prototype as unknown as Record<'get' | 'changed', (...parameters: never[]) => unknown>;
before(table, 'get', (self, number) => {
  noteRead(self, number, 'inode');
});
before(table, 'changed', (self, inode: { number: number }) => {
  noteMade(self, inode.number);
});

const { create } = InodeTable.prototype;
InodeTable.prototype.create = function (this: InodeTable, ...parameters): Inode {
  const inode = create.apply(this, parameters);
  current?.fresh.add(inode.content);
  return inode;
};

/**
 * Runs an operation; returns its result and what it asked for anew after its
 * first change. On a volume such a read could miss, and the operation would be
 * started again with half of it done.
 */
export function watchReads<T>(operation: () => T): { result: T; late: readonly string[] } {
  const watched: Watched = { known: new Map(), fresh: new Set(), hasChanged: false, late: [] };
  current = watched;
  try {
    return { result: operation(), late: watched.late };
  } finally {
    current = undefined;
  }
}
