import { createHash, type Hash, randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

function newHash(): Hash {
  return createHash('sha1');
}

export function digestOf(bytes: Uint8Array): string {
  return newHash().update(bytes).digest('base64');
}

/** What the working copy was changed by in one round. */
export interface Round {
  readonly changed: number;
  readonly added: number;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly deleted: readonly string[];
}

/**
 * A copy of the given folder that the demo may change. It remembers every
 * version that each file has ever had, so that a reader can tell a torn file
 * from an older one. Paths are relative, with slashes.
 */
export class WorkingCopy {
  readonly folder: string;
  readonly #versions = new Map<string, Set<string>>();
  #paths: string[] = [];
  bytes = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies what is there now; what vanishes meanwhile is left out, as are pipes and sockets. */
  static async make(source: string, folder: string): Promise<WorkingCopy> {
    const copy = new WorkingCopy(folder);
    const folders = [''];
    for (let inner = folders.pop(); inner !== undefined; inner = folders.pop()) {
      const at = inner;
      const entries = await readdir(join(source, at), { withFileTypes: true }).catch(() => []);
      await mkdir(join(folder, at), { recursive: true });
      folders.push(...entries.filter((entry) => entry.isDirectory()).map((entry) => join(at, entry.name)));
      await Promise.all(entries.map((entry) => copy.#takeIn(source, join(at, entry.name), entry)));
    }
    return copy;
  }

  get fileCount(): number {
    return this.#paths.length;
  }

  /** Any of its files. */
  pick(): string {
    return this.#paths[Math.floor(Math.random() * this.#paths.length)] ?? '';
  }

  /** Whether a file ever had this content. */
  hasHad(path: string, digest: string): boolean {
    return this.#versions.get(path)?.has(digest) === true;
  }

  isKnown(path: string): boolean {
    return this.#versions.has(path);
  }

  /** Rewrites, adds, renames and deletes some files. */
  async change(count: number): Promise<Round> {
    const shuffled = this.#paths.toSorted(() => Math.random() - 0.5);
    const part = Math.min(count, Math.floor(shuffled.length / 4));
    const changed = shuffled.slice(0, part);
    for (const path of changed) {
      const bytes = await readFile(join(this.folder, path));
      const at = Math.floor(Math.random() * (bytes.length + 1));
      await writeFile(join(this.folder, path), Buffer.concat([bytes.subarray(0, at), randomBytes(64), bytes.subarray(at)]));
      await this.#remember(path);
    }
    const renamed = shuffled.slice(part, part + Math.floor(part / 2)).map((from) => ({ from, to: `${from}.moved` }));
    for (const { from, to } of renamed) {
      await rename(join(this.folder, from), join(this.folder, to));
      await this.#remember(to);
    }
    const deleted = shuffled.slice(2 * part, 2 * part + Math.floor(part / 2));
    for (const path of deleted) await rm(join(this.folder, path));
    const added = Array.from({ length: part }, () => `added/${randomBytes(6).toString('hex')}.bin`);
    for (const path of added) await this.add(path, randomBytes(1 + Math.floor(Math.random() * 20_000)));
    const gone = new Set([...deleted, ...renamed.map(({ from }) => from)]);
    this.#paths = [...this.#paths.filter((path) => !gone.has(path)), ...renamed.map(({ to }) => to)];
    return { changed: changed.length, added: added.length, renamed, deleted };
  }

  async add(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), bytes);
    await this.#remember(path);
    this.#paths.push(path);
  }

  async #takeIn(source: string, path: string, entry: Dirent): Promise<void> {
    const [from, to] = [join(source, path), join(this.folder, path)];
    if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    if (!entry.isFile()) return;
    const bytes = await readFile(from).catch(() => undefined);
    if (bytes === undefined) return;
    const { mode, mtime } = await stat(from);
    await writeFile(to, bytes, { mode });
    await utimes(to, mtime, mtime);
    this.#paths.push(path);
    this.bytes += bytes.length;
    this.#note(path, bytes);
  }

  async #remember(path: string): Promise<void> {
    this.#note(path, await readFile(join(this.folder, path)));
  }

  #note(path: string, bytes: Uint8Array): void {
    const versions = this.#versions.get(path) ?? new Set();
    versions.add(digestOf(bytes));
    this.#versions.set(path, versions);
  }
}
