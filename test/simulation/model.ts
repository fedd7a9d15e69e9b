import { assert, checksumOf, present } from '../../src-main/base/index.ts';
import type { FileKind, FileReader } from '../../src-main/files/index.ts';

/** The inode number of the root directory. */
export const rootIno = 1;

/** One inode of the model. Never changed once made: a change makes another one. */
export interface ModelInode {
  readonly ino: number;
  readonly kind: FileKind;
  readonly mode: number;
  readonly linkCount: number;
  readonly modifiedNs: bigint;
  readonly content: Uint8Array;
  readonly target: string;
  readonly entries: ReadonlyMap<string, number>;
  readonly attributes: ReadonlyMap<string, Uint8Array>;
}

const nothing = new Uint8Array(0);
const lines = new WeakMap<ModelInode, string>();

/**
 * A file system as plain data, to compare volumes with. Handles are not
 * modelled: a file without a name is gone.
 */
export class FileModel {
  readonly inodes: Map<number, ModelInode>;

  constructor(inodes?: ReadonlyMap<number, ModelInode>) {
    this.inodes = new Map(inodes);
    if (inodes === undefined) this.#put(fresh({ ino: rootIno, kind: 'directory', mode: 0o755, modifiedNs: 0n }));
  }

  /** A copy that shares what neither changes. */
  fork(): FileModel {
    return new FileModel(this.inodes);
  }

  get(ino: number): ModelInode {
    return present(this.inodes.get(ino), `inode ${ino} of the model`);
  }

  /** The inode under a name, or undefined. */
  at(parent: number, name: string): ModelInode | undefined {
    const ino = this.get(parent).entries.get(name);
    return ino === undefined ? undefined : this.get(ino);
  }

  of(kind: FileKind): ModelInode[] {
    return [...this.inodes.values()].filter((inode) => inode.kind === kind);
  }

  make(place: Place, made: { ino: number; kind: FileKind; mode: number; target?: string }, nowNs: bigint): void {
    assert(!this.inodes.has(made.ino), `inode ${made.ino} is made although it is in use`);
    this.#put({ ...fresh({ ...made, modifiedNs: nowNs }), target: made.target ?? '' });
    this.#enter(place, made.ino, nowNs);
    if (made.kind === 'directory') this.#change(place.parent, ({ linkCount }) => ({ linkCount: linkCount + 1 }));
  }

  link(ino: number, place: Place, nowNs: bigint): void {
    this.#change(ino, ({ linkCount }) => ({ linkCount: linkCount + 1 }));
    this.#enter(place, ino, nowNs);
  }

  /** Removes a name of anything. */
  remove(place: Place, nowNs: bigint): void {
    const inode = present(this.at(place.parent, place.name), 'the name to be removed');
    this.#leave(place, nowNs);
    if (inode.kind === 'directory') this.#change(place.parent, ({ linkCount }) => ({ linkCount: linkCount - 1 }));
    this.#unlinked(inode);
  }

  rename(from: Place, to: Place, nowNs: bigint): void {
    const moved = present(this.at(from.parent, from.name), 'the name to be moved');
    const other = this.at(to.parent, to.name);
    if (other?.ino === moved.ino) return;
    this.#leave(from, nowNs);
    if (other !== undefined) this.remove(to, nowNs);
    this.#enter(to, moved.ino, nowNs);
    if (moved.kind !== 'directory') return;
    this.#change(from.parent, ({ linkCount }) => ({ linkCount: linkCount - 1 }));
    this.#change(to.parent, ({ linkCount }) => ({ linkCount: linkCount + 1 }));
  }

  write(ino: number, offsetBytes: number, bytes: Uint8Array, nowNs: bigint): void {
    if (bytes.length === 0) return;
    this.#change(ino, ({ content: old }) => {
      const content = new Uint8Array(Math.max(old.length, offsetBytes + bytes.length));
      content.set(old);
      content.set(bytes, offsetBytes);
      return { content, modifiedNs: nowNs };
    });
  }

  truncate(ino: number, sizeBytes: number, nowNs: bigint): void {
    this.#change(ino, ({ content: old }) => {
      const content = new Uint8Array(sizeBytes);
      content.set(old.subarray(0, sizeBytes));
      return { content, modifiedNs: nowNs };
    });
  }

  punchHole(ino: number, range: { offsetBytes: number; lengthBytes: number }, nowNs: bigint): void {
    this.#change(ino, ({ content: old }) => {
      const content = old.slice().fill(0, range.offsetBytes, range.offsetBytes + range.lengthBytes);
      return { content, modifiedNs: nowNs };
    });
  }

  setMode(ino: number, mode: number): void {
    this.#change(ino, () => ({ mode }));
  }

  /** Sets an extended attribute, or (undefined) removes it. */
  setAttribute(ino: number, name: string, value: Uint8Array | undefined): void {
    this.#change(ino, ({ attributes: old }) => {
      const attributes = new Map(old);
      if (value === undefined) attributes.delete(name);
      else attributes.set(name, value);
      return { attributes };
    });
  }

  /** Every inode as one line, in the order of their numbers. */
  dump(): string[] {
    return [...this.inodes.values()].sort((a, b) => a.ino - b.ino).map(lineOf);
  }

  #put(inode: ModelInode): void {
    this.inodes.set(inode.ino, inode);
  }

  #change(ino: number, change: (inode: ModelInode) => Partial<ModelInode>): void {
    const inode = this.get(ino);
    this.#put({ ...inode, ...change(inode) });
  }

  #enter({ parent, name }: Place, ino: number, nowNs: bigint): void {
    this.#change(parent, ({ entries }) => ({ entries: new Map(entries).set(name, ino), modifiedNs: nowNs }));
  }

  #leave({ parent, name }: Place, nowNs: bigint): void {
    this.#change(parent, ({ entries: old }) => {
      const entries = new Map(old);
      entries.delete(name);
      return { entries, modifiedNs: nowNs };
    });
  }

  #unlinked(inode: ModelInode): void {
    if (inode.kind === 'directory' || inode.linkCount === 1) this.inodes.delete(inode.ino);
    else this.#change(inode.ino, ({ linkCount }) => ({ linkCount: linkCount - 1 }));
  }
}

export interface Place {
  readonly parent: number;
  readonly name: string;
}

function fresh(made: Pick<ModelInode, 'ino' | 'kind' | 'mode' | 'modifiedNs'>): ModelInode {
  const { ino, kind, mode, modifiedNs } = made;
  const linkCount = kind === 'directory' ? 2 : 1;
  return { ino, kind, mode, modifiedNs, linkCount, content: nothing, target: '', entries: new Map(), attributes: new Map() };
}

function lineOf(inode: ModelInode): string {
  let line = lines.get(inode);
  if (line === undefined) lines.set(inode, (line = describe(inode)));
  return line;
}

function describe(inode: ModelInode): string {
  const { ino, kind, mode, linkCount, modifiedNs, content, target } = inode;
  // The root directory is as old as its volume, which the model does not know.
  const time = ino === rootIno && inode.entries.size === 0 ? 0n : modifiedNs;
  const entries = [...inode.entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const attributes = [...inode.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `${ino} ${kind} ${mode.toString(8)} ×${linkCount} @${time}`,
    ...(kind === 'file' ? [`${content.length} bytes ${checksumOf(content).toString(16)}`] : []),
    ...(kind === 'symlink' ? [`-> ${target}`] : []),
    ...(kind === 'directory' ? [`[${entries.map(([name, to]) => `${name}=${to}`).join(' ')}]`] : []),
    ...attributes.map(([name, value]) => `${name}:${value.length}:${checksumOf(value).toString(16)}`),
  ].join(' ');
}

/** What a volume and a view have in common: files to look at. */
export interface Readable {
  query<T>(operation: (files: FileReader) => T): Promise<T>;
  readInto(ino: number, offset: number, target: Uint8Array): Promise<number>;
}

const pageEntries = 1000;

/** All files of a volume or view in the model's terms: `dump` of the same contents gives the same lines. */
export async function dumpOf(volume: Readable): Promise<string[]> {
  const found = new Map<number, ModelInode>();
  found.set(rootIno, await volume.query((files) => look(files, rootIno)));
  const directories = [rootIno];
  for (let ino = directories.pop(); ino !== undefined; ino = directories.pop()) {
    for (const child of present(found.get(ino), 'a directory').entries.values()) {
      if (found.has(child)) continue;
      let inode = await volume.query((files) => look(files, child));
      if (inode.kind === 'directory') directories.push(child);
      if (inode.kind === 'file') {
        const read = await volume.readInto(child, 0, inode.content);
        if (read !== inode.content.length) inode = { ...inode, content: inode.content.subarray(0, read) };
      }
      found.set(child, inode);
    }
  }
  return [...found.values()].sort((a, b) => a.ino - b.ino).map(describe);
}

function look(files: FileReader, ino: number): ModelInode {
  const { kind, mode, linkCount, modifiedNs, sizeBytes } = files.stat(ino);
  const entries = kind === 'directory' ? files.readDirectory(ino, undefined, pageEntries) : [];
  assert(kind !== 'directory' || sizeBytes === entries.length, `directory ${ino} counts ${sizeBytes} and has ${entries.length}`);
  const attributes = files.listExtendedAttributes(ino).map((name) => [name, files.getExtendedAttribute(ino, name).slice()] as const);
  return {
    ino,
    kind,
    mode,
    linkCount,
    modifiedNs,
    content: kind === 'file' ? new Uint8Array(sizeBytes) : nothing,
    target: kind === 'symlink' ? files.readLink(ino) : '',
    entries: new Map(entries.map(({ name, ino: child }) => [name, child])),
    attributes: new Map(attributes),
  };
}

/** A short text of what differs between two dumps. */
export function differenceOf(found: readonly string[], expected: readonly string[]): string {
  const missing = expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`);
  const extra = found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  return [...missing, ...extra].slice(0, 12).join('\n');
}
