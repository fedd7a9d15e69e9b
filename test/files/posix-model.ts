import { digest } from './memory-files.ts';

export interface ModelNode {
  ino: number;
  kind: 'file' | 'directory' | 'symlink';
  mode: number;
  uid: number;
  gid: number;
  linkCount: number;
  content: Uint8Array;
  target: string;
  entries: Map<string, number>;
  parent: number;
  extended: Map<string, Uint8Array>;
  openCount: number;
  modifiedNs: bigint;
  changedNs: bigint;
}

type Outcome = string | undefined;

/** A plain file system in memory, by the rules of POSIX. Methods return the code of the fault that must come, or undefined. */
export class PosixModel {
  readonly nodes = new Map<number, ModelNode>();
  nowNs = 0n;

  constructor() {
    this.add(1, 'directory', { mode: 0o755, uid: 0, gid: 0 }).linkCount = 2;
  }

  node(ino: number): ModelNode {
    const node = this.nodes.get(ino);
    if (node === undefined) throw new Error(`the model has no inode ${ino}`);
    return node;
  }

  get directories(): ModelNode[] {
    return [...this.nodes.values()].filter((node) => node.kind === 'directory' && node.linkCount > 0);
  }

  get all(): ModelNode[] {
    return [...this.nodes.values()];
  }

  add(ino: number, kind: ModelNode['kind'], owner: { mode: number; uid: number; gid: number }): ModelNode {
    if (this.nodes.has(ino)) throw new Error(`inode ${ino} is taken twice`);
    const node: ModelNode = {
      ino,
      kind,
      ...owner,
      linkCount: 1,
      content: new Uint8Array(0),
      target: '',
      entries: new Map(),
      parent: 1,
      extended: new Map(),
      openCount: 0,
      modifiedNs: this.nowNs,
      changedNs: this.nowNs,
    };
    this.nodes.set(ino, node);
    return node;
  }

  mayCreate(parent: ModelNode, name: string): Outcome {
    if (parent.kind !== 'directory') return 'not-a-directory';
    return parent.entries.has(name) ? 'exists' : undefined;
  }

  enter(parent: ModelNode, name: string, node: ModelNode): void {
    parent.entries.set(name, node.ino);
    this.#touch(parent);
    if (node.kind !== 'directory') return;
    node.parent = parent.ino;
    parent.linkCount++;
  }

  link(node: ModelNode, parent: ModelNode, name: string): Outcome {
    if (node.linkCount === 0) return 'not-found';
    if (node.kind === 'directory') return 'not-permitted';
    const refused = this.mayCreate(parent, name);
    if (refused !== undefined) return refused;
    node.linkCount++;
    node.changedNs = this.nowNs;
    parent.entries.set(name, node.ino);
    this.#touch(parent);
    return undefined;
  }

  unlink(parent: ModelNode, name: string): Outcome {
    const node = this.#named(parent, name);
    if (typeof node === 'string') return node;
    if (node.kind === 'directory') return 'is-a-directory';
    parent.entries.delete(name);
    this.#touch(parent);
    this.#unname(node, 1);
    return undefined;
  }

  removeDirectory(parent: ModelNode, name: string): Outcome {
    const node = this.#named(parent, name);
    if (typeof node === 'string') return node;
    if (node.kind !== 'directory') return 'not-a-directory';
    if (node.entries.size > 0) return 'directory-not-empty';
    parent.entries.delete(name);
    parent.linkCount--;
    this.#touch(parent);
    this.#unname(node, 2);
    return undefined;
  }

  rename(
    from: { parent: ModelNode; name: string },
    to: { parent: ModelNode; name: string },
    options: { noReplace?: boolean; exchange?: boolean },
  ): Outcome {
    if (from.parent.kind !== 'directory' || to.parent.kind !== 'directory') return 'not-a-directory';
    const source = this.#named(from.parent, from.name);
    if (typeof source === 'string') return source;
    const targetIno = to.parent.entries.get(to.name);
    const target = targetIno === undefined ? undefined : this.node(targetIno);
    if (target !== undefined && options.noReplace === true) return 'exists';
    if (target === undefined && options.exchange === true) return 'not-found';
    if (target === source) return undefined;
    if (this.#isInside(to.parent, source)) return 'argument-invalid';
    if (options.exchange === true && target !== undefined) {
      if (this.#isInside(from.parent, target)) return 'argument-invalid';
      from.parent.entries.set(from.name, target.ino);
      to.parent.entries.set(to.name, source.ino);
      this.#moveLink(source, from.parent, to.parent);
      this.#moveLink(target, to.parent, from.parent);
      target.changedNs = this.nowNs;
    } else {
      if (target !== undefined) {
        if (source.kind === 'directory' && target.kind !== 'directory') return 'not-a-directory';
        if (source.kind !== 'directory' && target.kind === 'directory') return 'is-a-directory';
        if (target.entries.size > 0) return 'directory-not-empty';
        if (target.kind === 'directory') to.parent.linkCount--;
        this.#unname(target, target.kind === 'directory' ? 2 : 1);
      }
      from.parent.entries.delete(from.name);
      to.parent.entries.set(to.name, source.ino);
      this.#moveLink(source, from.parent, to.parent);
    }
    source.changedNs = this.nowNs;
    this.#touch(from.parent);
    this.#touch(to.parent);
    return undefined;
  }

  write(node: ModelNode, offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const next = new Uint8Array(Math.max(node.content.length, offset + bytes.length));
    next.set(node.content);
    next.set(bytes, offset);
    node.content = next;
    this.#touch(node);
  }

  truncate(node: ModelNode, size: number): void {
    const next = new Uint8Array(size);
    next.set(node.content.subarray(0, size));
    node.content = next;
    this.#touch(node);
  }

  punch(node: ModelNode, offset: number, length: number): void {
    node.content.fill(0, offset, offset + length);
    this.#touch(node);
  }

  close(node: ModelNode): void {
    node.openCount--;
    this.#forget(node);
  }

  changed(node: ModelNode): void {
    node.changedNs = this.nowNs;
  }

  /** The same account of the tree as `dumpTree` gives, but for generations. */
  dump(): Record<string, unknown> {
    const seen: Record<string, unknown> = {};
    const visit = (node: ModelNode, path: string): void => {
      const found: Record<string, unknown> = {
        ino: node.ino,
        kind: node.kind,
        mode: node.mode,
        uid: node.uid,
        gid: node.gid,
        linkCount: node.linkCount,
        modifiedNs: node.modifiedNs,
        changedNs: node.changedNs,
        extended: Object.fromEntries(
          [...node.extended].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([name, value]) => [name, digest(value)]),
        ),
      };
      seen[path === '' ? '/' : path] = found;
      if (node.kind === 'symlink') Object.assign(found, { target: node.target, sizeBytes: Buffer.byteLength(node.target) });
      if (node.kind === 'file') {
        const sizeBytes = node.content.length;
        Object.assign(found, { sizeBytes, read: sizeBytes, content: digest(node.content) });
      }
      if (node.kind !== 'directory') return;
      found.sizeBytes = node.entries.size;
      const names = [...node.entries.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      for (const name of names) visit(this.node(node.entries.get(name)!), `${path}/${name}`);
    };
    visit(this.node(1), '');
    return seen;
  }

  #named(parent: ModelNode, name: string): ModelNode | string {
    if (parent.kind !== 'directory') return 'not-a-directory';
    const ino = parent.entries.get(name);
    return ino === undefined ? 'not-found' : this.node(ino);
  }

  #touch(node: ModelNode): void {
    node.modifiedNs = this.nowNs;
    node.changedNs = this.nowNs;
  }

  #unname(node: ModelNode, links: number): void {
    node.linkCount -= links;
    node.changedNs = this.nowNs;
    this.#forget(node);
  }

  #forget(node: ModelNode): void {
    if (node.linkCount === 0 && node.openCount === 0) this.nodes.delete(node.ino);
  }

  #moveLink(node: ModelNode, from: ModelNode, to: ModelNode): void {
    if (node.kind !== 'directory') return;
    from.linkCount--;
    to.linkCount++;
    node.parent = to.ino;
  }

  #isInside(directory: ModelNode, candidate: ModelNode): boolean {
    if (candidate.kind !== 'directory') return false;
    for (let at = directory; ; at = this.node(at.parent)) {
      if (at === candidate) return true;
      if (at.ino === 1) return false;
    }
  }
}
