import { bytesEqual, MirrorpointError } from '../base/index.ts';
import { childPath, type Difference } from '../contract/index.ts';
import type { Attributes } from '../files/index.ts';
import type { Job } from './job.ts';
import type { LocalEntry, LocalStat, LocalTree } from './local-tree.ts';
import { inodeAt, type ReadableRoot } from './readable-root.ts';
import { TaskGroup } from './task-group.ts';

const filesAtOnceMax = 16;
const pieceBytes = 1 << 20;
const pageEntries = 512;

/** Local copies carry times to the microsecond only, so that less than two of them is no difference. */
const timeGrainNs = 2000n;

export interface CompareCounts {
  files: number;
  directories: number;
  symlinks: number;
  bytes: number;
  differenceCount: number;
}

interface VolumeEntry extends Attributes {
  readonly name: string;
}

interface Pair {
  readonly path: string;
  readonly local: string;
  readonly stat: LocalStat;
  readonly entry: Attributes;
}

/** Compares a local folder with one in a root: every name, every byte, and metadata where asked. */
export class CompareJob {
  readonly counts: CompareCounts = { files: 0, directories: 0, symlinks: 0, bytes: 0, differenceCount: 0 };
  readonly #root: ReadableRoot;
  readonly #tree: LocalTree;
  readonly #job: Job<Difference>;
  readonly #metadata: boolean;
  readonly #tasks = new TaskGroup(filesAtOnceMax);
  /** Which inode each local file with several names was found to be. */
  readonly #linked = new Map<string, number>();

  constructor(options: { root: ReadableRoot; tree: LocalTree; job: Job<Difference>; metadata: boolean }) {
    this.#root = options.root;
    this.#tree = options.tree;
    this.#job = options.job;
    this.#metadata = options.metadata;
  }

  async run(local: string, path: string): Promise<CompareCounts> {
    const stat = await this.#tree.stat(local);
    if (stat === undefined) throw new MirrorpointError('not-found', `There is no ${local} on this machine. Check the path.`);
    const entry = await this.#root.query((files) => files.stat(inodeAt(files, path)));
    const waiting: Pair[] = [];
    try {
      await this.#comparePair({ path, local, stat, entry }, waiting);
      for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) await this.#compareFolder(pair, waiting);
    } finally {
      await this.#tasks.settle();
    }
    await this.#tasks.finish();
    return this.counts;
  }

  async #compareFolder(folder: Pair, waiting: Pair[]): Promise<void> {
    const locals = new Map<string, LocalEntry>();
    try {
      for await (const page of this.#tree.list(folder.local)) {
        for (const entry of page.entries) locals.set(entry.name, entry);
        for (const name of page.refusedNames) await this.#differs(childPath(folder.path, name), 'only-local');
      }
    } catch (fault) {
      this.#job.problem(folder.local, fault);
      return;
    }
    let after: string | undefined;
    for (;;) {
      this.#job.checkCancelled();
      const page = await this.#readPage(folder.entry.ino, after);
      for (const entry of page) {
        const path = childPath(folder.path, entry.name);
        const stat = locals.get(entry.name);
        locals.delete(entry.name);
        if (stat === undefined) await this.#differs(path, 'only-volume');
        else await this.#comparePair({ path, local: this.#tree.join(folder.local, entry.name), stat, entry }, waiting);
      }
      if (page.length < pageEntries) break;
      after = page.at(-1)?.name;
    }
    for (const name of locals.keys()) await this.#differs(childPath(folder.path, name), 'only-local');
  }

  #readPage(ino: number, after: string | undefined): Promise<VolumeEntry[]> {
    return this.#root.query((files) =>
      files.readDirectoryAhead(ino, after, pageEntries).map((entry) => ({ ...files.stat(entry.ino), name: entry.name })),
    );
  }

  async #comparePair(pair: Pair, waiting: Pair[]): Promise<void> {
    const { path, stat, entry } = pair;
    this.#job.counts.current = path;
    if (stat.kind !== entry.kind) {
      await this.#differs(path, 'kind', stat.kind, entry.kind);
      return;
    }
    if (this.#metadata) await this.#compareMetadata(pair);
    if (entry.kind === 'directory') {
      this.counts.directories++;
      waiting.push(pair);
      return;
    }
    const compare = entry.kind === 'symlink' ? this.#compareLink : this.#compareContent;
    await this.#tasks.start(async () => {
      try {
        await compare.call(this, pair);
        this.#job.counts.files++;
      } catch (fault) {
        this.#job.problem(pair.local, fault);
      }
    });
  }

  async #compareMetadata({ path, stat, entry }: Pair): Promise<void> {
    // Modes and times of symbolic links cannot be set everywhere.
    if (entry.kind === 'symlink') return;
    if (stat.mode !== entry.mode) await this.#differs(path, 'mode', stat.mode.toString(8), entry.mode.toString(8));
    if (stat.uid !== entry.uid || stat.gid !== entry.gid) {
      await this.#differs(path, 'owner', `${stat.uid}:${stat.gid}`, `${entry.uid}:${entry.gid}`);
    }
    const apartNs = stat.modifiedNs - entry.modifiedNs;
    if (apartNs >= timeGrainNs || -apartNs >= timeGrainNs) {
      await this.#differs(path, 'modified', timeText(stat.modifiedNs), timeText(entry.modifiedNs));
    }
    if (entry.kind !== 'file' || stat.linkCount <= 1) return;
    const known = this.#linked.get(stat.identity);
    if (known === undefined) this.#linked.set(stat.identity, entry.ino);
    else if (known !== entry.ino) await this.#differs(path, 'links', 'one file', 'several files');
  }

  async #compareLink({ path, local, entry }: Pair): Promise<void> {
    const target = await this.#tree.readLink(local);
    const stored = await this.#root.query((files) => files.readLink(entry.ino));
    this.counts.symlinks++;
    if (target !== stored) await this.#differs(path, 'target', target, stored);
  }

  async #compareContent({ path, local, stat, entry }: Pair): Promise<void> {
    this.counts.files++;
    if (stat.sizeBytes !== entry.sizeBytes) {
      await this.#differs(path, 'size', String(stat.sizeBytes), String(entry.sizeBytes));
      return;
    }
    if (stat.sizeBytes === 0) return;
    await using reader = await this.#tree.openRead(local);
    const bufferBytes = Math.min(stat.sizeBytes, pieceBytes);
    const [here, there] = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)];
    for (let offsetBytes = 0; offsetBytes < entry.sizeBytes; ) {
      this.#job.checkCancelled();
      const [localBytes, volumeBytes] = await Promise.all([
        reader.readInto(offsetBytes, here),
        this.#root.readInto(entry.ino, offsetBytes, there),
      ]);
      if (!bytesEqual(here.subarray(0, localBytes), there.subarray(0, volumeBytes))) {
        await this.#differs(path, 'content', `differs from byte ${offsetBytes + firstDifference(here, there)} on`);
        return;
      }
      if (volumeBytes === 0) break;
      offsetBytes += volumeBytes;
      this.counts.bytes += volumeBytes;
      this.#job.counts.bytes += volumeBytes;
    }
  }

  async #differs(path: string, what: Difference['what'], local?: string, volume?: string): Promise<void> {
    this.counts.differenceCount++;
    await this.#job.tell({
      type: 'difference',
      path,
      what,
      ...(local !== undefined && { local }),
      ...(volume !== undefined && { volume }),
    });
  }
}

function firstDifference(left: Uint8Array, right: Uint8Array): number {
  let index = 0;
  while (index < left.length && left[index] === right[index]) index++;
  return index;
}

function timeText(timeNs: bigint): string {
  const part = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = new Date(Number((timeNs - part) / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${part.toString().padStart(9, '0')}Z`;
}
