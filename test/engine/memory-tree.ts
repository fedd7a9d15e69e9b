import { posix } from 'node:path';
import { assert, MirrorpointError } from '../../src-main/base/index.ts';
import type { LocalEntry, LocalStat, LocalTree, LocalWatch, LocalWatchListener } from '../../src-main/engine/index.ts';

/** What a path of the machine leads to. */
export interface MemoryNode {
  kind: LocalStat['kind'];
  readonly number: number;
  bornNs: bigint;
  mode: number;
  modifiedNs: bigint;
  content: Buffer;
  readonly entries: Map<string, MemoryNode>;
}

const { dirname, basename, join, isAbsolute } = posix;

function refused(): Promise<never> {
  return Promise.reject(new MirrorpointError('unsupported', 'Nothing is written to a tree in memory by the server.'));
}

/**
 * The files of a machine in memory, with a watch that tells of each change at
 * once. What was opened is read as it is then, and something may happen while it is.
 */
export class MemoryTree implements LocalTree {
  readonly join = (folder: string, name: string): string => join(folder, name);
  readonly isAbsolute = isAbsolute;
  readonly createFile = refused;
  readonly makeFile = refused;
  readonly makeDirectory = refused;
  readonly makeSymlink = refused;
  readonly makeHardLink = refused;
  readonly setDirectoryAttributes = refused;
  /** Happens after each piece that was read of a file. */
  onRead: (path: string) => void = () => undefined;
  /** After so many reads one never ends. */
  readsLeft = Infinity;
  /** Bytes that were read of files. */
  readBytes = 0;
  /** A watch that has ceased to tell. */
  isDeaf = false;
  readonly #nowNs: () => bigint;
  readonly #watches = new Set<{ listener: LocalWatchListener; folders: Set<string> }>();
  #nextNumber = 2;
  readonly #root: MemoryNode;

  constructor(nowNs: () => bigint) {
    this.#nowNs = nowNs;
    this.#root = this.#node('directory', 0o755);
  }

  readonly split = (path: string): { folder: string; name: string } => ({ folder: dirname(path), name: basename(path) });

  readonly watchFolder = (_root: string, listener: LocalWatchListener): LocalWatch => {
    const watch = { listener, folders: new Set<string>() };
    this.#watches.add(watch);
    return {
      add: (folder) => {
        watch.folders.add(folder);
        return true;
      },
      remove: (folder) => {
        for (const path of watch.folders) if (path === folder || path.startsWith(`${folder}/`)) watch.folders.delete(path);
      },
      close: () => {
        this.#watches.delete(watch);
      },
    };
  };

  async stat(path: string): Promise<LocalStat | undefined> {
    const node = this.#find(path);
    return node && this.#statOf(node);
  }

  async folderAt(): Promise<{ freeBytes: number }> {
    return { freeBytes: 1 << 30 };
  }

  async *list(folder: string): AsyncGenerator<{ entries: LocalEntry[]; refusedNames: string[] }, void, void> {
    const node = this.#find(folder);
    if (node?.kind !== 'directory') throw new MirrorpointError('not-found', `There is no folder ${folder}.`);
    yield { entries: [...node.entries].map(([name, inner]) => ({ ...this.#statOf(inner), name })), refusedNames: [] };
  }

  async readLink(path: string): Promise<string> {
    return this.#get(path).content.toString();
  }

  async openRead(path: string): ReturnType<LocalTree['openRead']> {
    const node = this.#find(path);
    if (node === undefined) throw new MirrorpointError('not-found', `There is no ${path}.`);
    return {
      readInto: async (offsetBytes, target) => {
        if (this.readsLeft-- <= 0) return new Promise<number>(() => undefined);
        const copied = node.content.copy(target, 0, offsetBytes);
        this.readBytes += copied;
        this.onRead(path);
        return copied;
      },
      stat: async () => this.#statOf(node),
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async readWhole(path: string, sizeBytes: number): ReturnType<LocalTree['readWhole']> {
    await using reader = await this.openRead(path);
    const bytes = new Uint8Array(sizeBytes);
    const gotBytes = await reader.readInto(0, bytes);
    return { bytes: bytes.subarray(0, gotBytes), stat: await reader.stat(), [Symbol.dispose]: () => undefined };
  }

  /** Makes a folder with those above it. */
  makeFolder(path: string): void {
    if (path === '/' || this.#find(path) !== undefined) return;
    this.makeFolder(dirname(path));
    this.#put(path, this.#node('directory', 0o755));
  }

  /** Writes a file whole: in place if it is there. */
  write(path: string, content: string | Buffer, modifiedNs = this.#nowNs()): void {
    this.makeFolder(dirname(path));
    const known = this.#find(path);
    const node = known?.kind === 'file' ? known : this.#node('file', 0o644);
    node.content = Buffer.from(content);
    node.modifiedNs = modifiedNs;
    if (known === node) this.#told(path);
    else this.#put(path, node);
  }

  makeOther(path: string, kind: 'symlink' | 'other', target = ''): void {
    const node = this.#node(kind, 0o777);
    node.content = Buffer.from(target);
    this.#put(path, node);
  }

  link(from: string, to: string): void {
    this.#put(to, this.#get(from));
  }

  setMode(path: string, mode: number): void {
    this.#get(path).mode = mode;
    this.#told(path);
  }

  /** The file system does not say when this was made, or something else has got its number. */
  setBorn(path: string, bornNs: bigint): void {
    this.#get(path).bornNs = bornNs;
  }

  rename(from: string, to: string): void {
    const node = this.#get(from);
    this.remove(from);
    this.#put(to, node);
  }

  /** Takes a path away with all below it. */
  remove(path: string): void {
    const parent = this.#get(dirname(path));
    assert(parent.entries.delete(basename(path)), `there is no ${path}`);
    parent.modifiedNs = this.#nowNs();
    this.#told(path);
  }

  /** Puts a drive in the place of a folder, by default an empty one; the watch hears nothing of that. Returns what was there. */
  mount(path: string, drive: MemoryNode = this.#node('directory', 0o755)): MemoryNode {
    const parent = this.#get(dirname(path));
    const before = this.#get(path);
    parent.entries.set(basename(path), drive);
    return before;
  }

  /** Every path below a folder with what it is. */
  describe(path: string): Record<string, string> {
    const found: Record<string, string> = {};
    const walk = (node: MemoryNode, at: string): void => {
      for (const [name, inner] of node.entries) {
        const here = at === '' ? name : `${at}/${name}`;
        found[here] = `${inner.kind} ${inner.mode.toString(8)} ${inner.modifiedNs} ${inner.kind === 'directory' ? '' : inner.content.toString('latin1')}`;
        walk(inner, here);
      }
    };
    walk(this.#get(path), '');
    return found;
  }

  #node(kind: LocalStat['kind'], mode: number): MemoryNode {
    return { kind, number: this.#nextNumber++, bornNs: this.#nowNs(), mode, modifiedNs: this.#nowNs(), content: Buffer.alloc(0), entries: new Map() };
  }

  #put(path: string, node: MemoryNode): void {
    const parent = this.#get(dirname(path));
    parent.entries.set(basename(path), node);
    parent.modifiedNs = this.#nowNs();
    this.#told(path);
  }

  #find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) node = node?.entries.get(name);
    return node;
  }

  #get(path: string): MemoryNode {
    const node = this.#find(path);
    assert(node !== undefined, `there is no ${path}`);
    return node;
  }

  #statOf(node: MemoryNode): LocalStat {
    const { kind, number, bornNs, mode, modifiedNs, content } = node;
    const sizeBytes = kind === 'directory' ? 0 : content.length;
    return { kind, mode, uid: 0, gid: 0, sizeBytes, modifiedNs, linkCount: this.#linkCount(node), identity: `1:${number}`, bornNs };
  }

  #linkCount(wanted: MemoryNode): number {
    if (wanted.kind === 'directory') return 2;
    let count = 0;
    const walk = (node: MemoryNode): void => {
      for (const inner of node.entries.values()) {
        if (inner === wanted) count++;
        walk(inner);
      }
    };
    walk(this.#root);
    return count;
  }

  #told(path: string): void {
    if (this.isDeaf) return;
    const folder = dirname(path);
    for (const { listener, folders } of this.#watches) if (folders.has(folder)) listener.changed(folder, basename(path));
  }
}
