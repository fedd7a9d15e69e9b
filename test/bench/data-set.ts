import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SeededRandom } from '../../src-main/base/index.ts';

/** The unit in which large files change. */
export const changedBlockBytes = 4096;

const largeFileCount = 8;
const largeBytes = 2 ** 31;
const smallFileCount = 20_000;
const smallFilesPerFolder = 100;
const smallBytesMin = 1024;
const smallBytesMax = 16 * 1024;
const pieceBytes = 1 << 20;

/** One part of this is what a quick run does. */
export const quickShare = 64;

/** What happens to the data between two copies of it. Paths are relative, with slashes. */
export interface ChangeSet {
  /** Gives everything new its content. */
  readonly label: string;
  readonly blocks: readonly { readonly path: string; readonly offsetBytes: number }[];
  readonly rewritten: readonly string[];
  readonly created: readonly string[];
  readonly removed: readonly string[];
}

/** Something that a change set can be applied to. */
export interface ChangeTarget {
  writeBlock(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> | void;
  createFile(path: string, bytes: Uint8Array): Promise<void> | void;
  /** Gives a file that is there other content. */
  rewriteFile(path: string, bytes: Uint8Array): Promise<void> | void;
  removeFile(path: string): Promise<void> | void;
}

/** Random bytes that a label decides: nothing that holds them can be compressed or found twice. */
export function randomBytes(label: string, count: number): Uint8Array {
  const key = createHash('sha256').update(label).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, new Uint8Array(16)).update(new Uint8Array(count));
}

/** What a change set writes to a block. */
export function changedBlock(changes: ChangeSet, path: string, offsetBytes: number): Uint8Array {
  return randomBytes(`${changes.label} ${path} ${offsetBytes}`, changedBlockBytes);
}

/** Makes a file of random bytes, whole MiB of them. */
export function writeLargeFile(local: string, { label, sizeBytes }: { label: string; sizeBytes: number }): void {
  const fd = openSync(local, 'wx');
  for (let offset = 0; offset < sizeBytes; offset += pieceBytes) writeSync(fd, randomBytes(`${label} ${offset}`, pieceBytes));
  closeSync(fd);
}

function smallContent(label: string): Uint8Array {
  const seed = createHash('sha256').update(`size ${label}`).digest().readUInt32LE();
  return randomBytes(label, smallBytesMin + (seed % (smallBytesMax - smallBytesMin + 1)));
}

/**
 * The data of the benchmark: large files and many small ones, from a seed.
 * `share` makes everything smaller by that factor.
 */
export class DataSet {
  readonly seed: number;
  readonly #share: number;
  readonly #large: readonly string[];
  readonly #small: string[];
  #changes = 0;

  constructor(options: { seed: number; share: number; isLargeOnly?: boolean }) {
    this.seed = options.seed;
    this.#share = options.share;
    const smallCount = options.isLargeOnly === true ? 0 : smallFileCount / options.share;
    this.#large = Array.from({ length: largeFileCount }, (_, index) => `large/${index}.bin`);
    this.#small = Array.from({ length: smallCount }, (_, index) => this.#smallPath(`${index}`, index));
  }

  get largeFileBytes(): number {
    return largeBytes / largeFileCount / this.#share;
  }

  get fileCount(): number {
    return this.#large.length + this.#small.length;
  }

  /** A block that exists in every state of the data. */
  get probe(): { path: string; offsetBytes: number } {
    return { path: this.#large[0]!, offsetBytes: 0 };
  }

  /** Writes the data into a folder, which must not exist. Resolves to the bytes written. */
  make(folder: string): number {
    let bytes = 0;
    for (const path of this.#large) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeLargeFile(join(folder, path), { label: `${this.seed} ${path}`, sizeBytes: this.largeFileBytes });
      bytes += this.largeFileBytes;
    }
    for (const path of this.#small) {
      const content = smallContent(`${this.seed} ${path}`);
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
      bytes += content.length;
    }
    return bytes;
  }

  /** The next changes: one block of a hundred, and some small files. The data counts as changed from then on. */
  nextChanges(): ChangeSet {
    const label = `${this.seed} change ${++this.#changes}`;
    const random = new SeededRandom(this.seed * 1000 + this.#changes);
    const blocksPerFile = this.largeFileBytes / changedBlockBytes;
    const chosen = new Set<number>();
    const wanted = Math.floor((blocksPerFile * largeFileCount) / 100);
    while (chosen.size < wanted) chosen.add(random.below(blocksPerFile * largeFileCount));
    const blocks = [...chosen].map((index) => ({
      path: this.#large[Math.floor(index / blocksPerFile)]!,
      offsetBytes: (index % blocksPerFile) * changedBlockBytes,
    }));
    const removed = this.#takeSmall(random, Math.floor(100 / this.#share));
    const rewritten = this.#takeSmall(random, Math.floor(200 / this.#share));
    const created = removed.map((_, index) => this.#smallPath(`new-${this.#changes}-${index}`, index));
    this.#small.push(...rewritten, ...created);
    return { label, blocks, rewritten, created, removed };
  }

  #takeSmall(random: SeededRandom, count: number): string[] {
    return Array.from({ length: count }, () => this.#small.splice(random.below(this.#small.length), 1)[0]!);
  }

  #smallPath(name: string, index: number): string {
    const folderCount = smallFileCount / this.#share / smallFilesPerFolder;
    return `small/${Math.floor(index / smallFilesPerFolder) % Math.ceil(folderCount)}/${name}`;
  }
}

/** Applies changes in an order that everybody shares. */
export async function applyChanges(changes: ChangeSet, target: ChangeTarget): Promise<void> {
  for (const { path, offsetBytes } of changes.blocks) {
    await target.writeBlock(path, offsetBytes, changedBlock(changes, path, offsetBytes));
  }
  for (const path of changes.rewritten) await target.rewriteFile(path, smallContent(`${changes.label} ${path}`));
  for (const path of changes.created) await target.createFile(path, smallContent(`${changes.label} ${path}`));
  for (const path of changes.removed) await target.removeFile(path);
}

/** A local folder as the target of changes. */
export class FolderTarget implements ChangeTarget {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  writeBlock(path: string, offsetBytes: number, bytes: Uint8Array): void {
    const fd = openSync(join(this.#folder, path), 'r+');
    writeSync(fd, bytes, 0, bytes.length, offsetBytes);
    closeSync(fd);
  }

  createFile(path: string, bytes: Uint8Array): void {
    writeFileSync(join(this.#folder, path), bytes, { flag: 'wx' });
  }

  rewriteFile(path: string, bytes: Uint8Array): void {
    writeFileSync(join(this.#folder, path), bytes, { flag: 'r+' });
    truncateSync(join(this.#folder, path), bytes.length);
  }

  removeFile(path: string): void {
    rmSync(join(this.#folder, path));
  }
}
