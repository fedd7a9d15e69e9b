import { MirrorpointError } from '../base/index.ts';
import { childPath, type ListedEntry, peerPageMax } from '../contract/index.ts';
import type { ExportSource } from './export-source.ts';
import { type Job, TaskGroup } from './job.ts';
import type { LocalAttributes, LocalTree } from './local-tree.ts';
import type { ImportCounts } from './import-job.ts';
import { partsOfData } from './sparse.ts';

const filesAtOnceMax = 16;
const memoryBytesMax = 32 << 20;
const pieceBytes = 1 << 20;

/** Zeros of at least this many bytes become a hole. */
const grainBytes = 4096;

/** Files with several names that are remembered, so that the copies are one file too. */
const linkedFilesMax = 1_000_000;

interface OpenFolder {
  readonly path: string;
  readonly local: string;
  readonly ino: number;
  readonly attributes: LocalAttributes;
  /** Made by this job, so nothing of anyone's can be in it. */
  readonly isNew: boolean;
  readonly parent: OpenFolder | undefined;
  pendingCount: number;
}

/**
 * Takes files out of a root into local folders, with modes, owners (as root),
 * times to the microsecond, links and holes. Each file is written beside its
 * place and named when it is whole; what is there is replaced only if told.
 */
export class ExportJob {
  readonly counts: ImportCounts = {
    files: 0,
    directories: 0,
    symlinks: 0,
    hardLinks: 0,
    unchanged: 0,
    bytes: 0,
    holeBytes: 0,
  };
  readonly #source: ExportSource;
  readonly #tree: LocalTree;
  readonly #job: Job;
  readonly #overwrite: boolean;
  readonly #tasks = new TaskGroup(filesAtOnceMax, memoryBytesMax);
  readonly #linked = new Map<number, { local: Promise<string | undefined>; namesLeft: number }>();

  constructor(options: { source: ExportSource; tree: LocalTree; job: Job; overwrite: boolean }) {
    this.#source = options.source;
    this.#tree = options.tree;
    this.#job = options.job;
    this.#overwrite = options.overwrite;
  }

  /** Takes a file or folder out to exactly this local path. */
  async run(path: string, local: string): Promise<ImportCounts> {
    const entry = await this.#source.entryAt(path);
    try {
      const folder = await this.#exportEntry({ path, local, entry, parent: undefined });
      if (folder !== undefined) await this.#exportFolders(folder);
    } finally {
      await this.#tasks.settle();
    }
    await this.#tasks.finish();
    return this.counts;
  }

  async #exportFolders(top: OpenFolder): Promise<void> {
    const waiting = [top];
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      try {
        waiting.push(...(await this.#exportFolder(folder)));
      } catch (fault) {
        this.#job.problem(folder.path, fault);
      }
      await this.#leave(folder);
    }
  }

  async #exportFolder(folder: OpenFolder): Promise<OpenFolder[]> {
    const inner: OpenFolder[] = [];
    let after: string | undefined;
    for (;;) {
      this.#job.checkCancelled();
      const page = await this.#source.page(folder.ino, { after, limit: peerPageMax });
      for (const entry of page) {
        const path = childPath(folder.path, entry.name);
        const local = this.#tree.join(folder.local, entry.name);
        const opened = await this.#exportEntry({ path, local, entry, parent: folder });
        if (opened !== undefined) inner.push(opened);
      }
      if (page.length < peerPageMax) return inner;
      after = page.at(-1)?.name;
    }
  }

  async #exportEntry(place: {
    path: string;
    local: string;
    entry: ListedEntry;
    parent: OpenFolder | undefined;
  }): Promise<OpenFolder | undefined> {
    const { path, local, entry, parent } = place;
    this.#job.checkCancelled();
    this.#job.counts.current = path;
    if (entry.kind === 'directory') {
      try {
        return await this.#openFolder(place);
      } catch (fault) {
        this.#job.problem(path, fault);
        return undefined;
      }
    }
    if (parent !== undefined) parent.pendingCount++;
    const work = this.#workFor(local, entry, parent?.isNew === true);
    await this.#tasks.start(
      async () => {
        try {
          await work();
          this.#job.counts.files++;
        } catch (fault) {
          this.#job.problem(path, fault);
        } finally {
          if (parent !== undefined) await this.#leave(parent);
        }
      },
      Math.min(entry.sizeBytes, pieceBytes),
    );
    return undefined;
  }

  #workFor(local: string, entry: ListedEntry, isInNewFolder: boolean): () => Promise<void> {
    const write = entry.kind === 'symlink' ? this.#writeSymlink : this.#writeFile;
    const writeOne = async (): Promise<void> => {
      const replace = await this.#mayReplace(local, isInNewFolder);
      await write.call(this, local, entry, replace);
    };
    if (entry.linkCount <= 1) return writeOne;
    const known = this.#linked.get(entry.ino);
    if (known !== undefined) {
      if (--known.namesLeft === 0) this.#linked.delete(entry.ino);
      return async () => {
        const existing = await known.local;
        if (existing === undefined) return writeOne();
        const replace = await this.#mayReplace(local, isInNewFolder);
        await this.#tree.makeHardLink(local, { existing, replace: replace && !isInNewFolder });
        this.counts.hardLinks++;
      };
    }
    if (this.#linked.size >= linkedFilesMax) return writeOne;
    let found: (local: string | undefined) => void = () => undefined;
    const first = new Promise<string | undefined>((resolve) => {
      found = resolve;
    });
    this.#linked.set(entry.ino, { local: first, namesLeft: entry.linkCount - 1 });
    return async () => {
      let made: string | undefined;
      try {
        await writeOne();
        made = local;
      } finally {
        found(made);
      }
    };
  }

  /** Whether the name may be taken over; in a folder made here nothing has it. Throws `exists`. */
  async #mayReplace(local: string, isInNewFolder: boolean): Promise<boolean> {
    if (isInNewFolder) return true;
    const there = await this.#tree.stat(local);
    if (there === undefined) return false;
    if (there.kind === 'directory') {
      throw new MirrorpointError('is-a-directory', `${local} is a folder, where a file must go. Move it out of the way.`);
    }
    if (this.#overwrite) return true;
    throw new MirrorpointError('exists', `${local} is there already and was left alone. Use --overwrite to replace it, or choose another place.`);
  }

  async #openFolder(place: { path: string; local: string; entry: ListedEntry; parent: OpenFolder | undefined }): Promise<OpenFolder> {
    const { path, local, entry, parent } = place;
    const there = parent?.isNew === true ? undefined : await this.#tree.stat(local);
    if (there !== undefined && there.kind !== 'directory') {
      throw new MirrorpointError('not-a-directory', `${local} is a ${there.kind}, where a folder must go. Move it out of the way.`);
    }
    if (there === undefined) {
      await this.#tree.makeDirectory(local);
      this.counts.directories++;
    }
    if (parent !== undefined) parent.pendingCount++;
    return { path, local, ino: entry.ino, attributes: entry, isNew: there === undefined, parent, pendingCount: 1 };
  }

  async #writeSymlink(local: string, entry: ListedEntry, replace: boolean): Promise<void> {
    await this.#tree.makeSymlink(local, { target: entry.linkTarget ?? '', attributes: entry, replace });
    this.counts.symlinks++;
  }

  async #writeFile(local: string, entry: ListedEntry, replace: boolean): Promise<void> {
    await using writer = await this.#tree.createFile(local);
    const buffer = Buffer.allocUnsafe(Math.min(entry.sizeBytes, pieceBytes));
    let offsetBytes = 0;
    while (offsetBytes < entry.sizeBytes) {
      this.#job.checkCancelled();
      const gotBytes = await this.#source.readInto(entry.ino, offsetBytes, buffer);
      if (gotBytes === 0) break;
      const piece = buffer.subarray(0, gotBytes);
      let dataBytes = 0;
      for (const { start, end } of partsOfData(piece, grainBytes)) {
        await writer.write(offsetBytes + start, piece.subarray(start, end));
        dataBytes += end - start;
      }
      offsetBytes += gotBytes;
      this.counts.bytes += gotBytes;
      this.counts.holeBytes += gotBytes - dataBytes;
      this.#job.counts.bytes += gotBytes;
    }
    if (this.#source.isLive) await this.#checkUnchanged(local, entry);
    await writer.commit({ sizeBytes: offsetBytes, attributes: entry, replace });
    this.counts.files++;
  }

  /** In the live state a file may be written, or its inode become another file, while it is read. */
  async #checkUnchanged(local: string, entry: ListedEntry): Promise<void> {
    if (await this.#source.isUnchanged(entry)) return;
    throw new MirrorpointError(
      'source-changed',
      `${local} was left out: the file in the volume changed while it was read. Try again, or take it out of a snapshot.`,
    );
  }

  async #leave(folder: OpenFolder): Promise<void> {
    for (let at: OpenFolder | undefined = folder; at !== undefined; at = at.parent) {
      if (--at.pendingCount > 0) return;
      try {
        await this.#tree.setDirectoryAttributes(at.local, at.attributes);
      } catch (fault) {
        this.#job.problem(at.path, fault);
      }
    }
  }
}
