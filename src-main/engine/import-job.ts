import { MirrorpointError } from '../base/index.ts';
import { splitPath } from '../contract/index.ts';
import { changeBlocks, type LiveFiles, rootDirectoryInode } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { type ExistingEntry, planImport, refusal, sameOwnerAndMode } from './import-plan.ts';
import type { Job } from './job.ts';
import { type LocalEntry, type LocalStat, type LocalTree, wholeFileBytesMax } from './local-tree.ts';
import { type CopyPlace, SourceCopy } from './source-copy.ts';
import { TaskGroup } from './task-group.ts';
import type { TemporaryNames } from './temporary-names.ts';
import { attributesOf, type EntryPlace, existingEntries, VolumeWriter } from './volume-writer.ts';

/** Small files on their way at once, and the memory that they may take. */
const smallFilesMax = 24;
const smallFileMemoryBytes = 32 << 20;

const largeFilesMax = 2;

/** Files with several names whose other names may still come; further ones are stored once for each name. */
const linkedFilesMax = 1_000_000;

export interface ImportCounts {
  files: number;
  directories: number;
  symlinks: number;
  hardLinks: number;
  unchanged: number;
  bytes: number;
  holeBytes: number;
}

/** A folder of the volume while its entries come in. Its own time is set when the last of them has. */
interface OpenFolder {
  readonly local: string;
  readonly ino: number;
  readonly stat: LocalStat;
  /** Made by this job, so nothing can be in it yet. */
  readonly isNew: boolean;
  readonly parent: OpenFolder | undefined;
  pendingCount: number;
}

interface Target extends EntryPlace {
  readonly existing: ExistingEntry | undefined;
}

/**
 * Brings local files into a volume with their modes, owners, times, links and
 * holes. A file appears whole or not at all, and takes the place of an older
 * one in one step. What cannot be brought in is reported, and the rest goes on.
 * Extended attributes are not copied: Node has no call that reads them.
 */
export class ImportJob {
  readonly counts: ImportCounts = {
    files: 0,
    directories: 0,
    symlinks: 0,
    hardLinks: 0,
    unchanged: 0,
    bytes: 0,
    holeBytes: 0,
  };
  readonly #volume: Volume;
  readonly #tree: LocalTree;
  readonly #job: Job;
  readonly #small = new TaskGroup(smallFilesMax, smallFileMemoryBytes);
  readonly #large = new TaskGroup(largeFilesMax);
  readonly #linked = new Map<string, { ino: Promise<number | undefined>; namesLeft: number }>();
  readonly #writer: VolumeWriter;
  readonly #copy: SourceCopy;

  constructor(options: { volume: Volume; temporaryNames: TemporaryNames; tree: LocalTree; job: Job }) {
    this.#volume = options.volume;
    this.#writer = new VolumeWriter(options);
    this.#tree = options.tree;
    this.#job = options.job;
    this.#copy = new SourceCopy({
      writer: this.#writer,
      tree: this.#tree,
      checkCancelled: () => {
        this.#job.checkCancelled();
      },
      onBytes: ({ lengthBytes, dataBytes }) => {
        this.counts.bytes += lengthBytes;
        this.counts.holeBytes += lengthBytes - dataBytes;
        this.#job.counts.bytes += lengthBytes;
      },
    });
  }

  /** Brings a local file or folder in at exactly this path, whose folder must be there. */
  async run(local: string, path: string): Promise<ImportCounts> {
    const stat = await this.#tree.stat(local);
    if (stat === undefined) throw new MirrorpointError('not-found', `There is no ${local} on this machine. Check the path.`);
    await using _writer = this.#writer;
    try {
      await this.#importTop(local, stat, path);
    } finally {
      await this.#small.settle();
      await this.#large.settle();
    }
    await this.#small.finish();
    await this.#large.finish();
    return this.counts;
  }

  async #importTop(local: string, stat: LocalStat, path: string): Promise<void> {
    const place = splitPath(path);
    if (place === undefined) {
      if (stat.kind !== 'directory') {
        throw new MirrorpointError('is-a-directory', `${local} cannot take the place of the volume's root. Name a path in it.`);
      }
      const ino = await this.#writer.keep(() => rootDirectoryInode);
      await this.#importFolders({ local, ino, stat, isNew: false, parent: undefined, pendingCount: 1 });
      return;
    }
    const { parent, existing } = await this.#volume.query((files) => {
      const folder = files.resolvePath(place.folder);
      return { parent: folder, existing: existingEntries(files, folder, [place.name])[0] };
    });
    const folder = await this.#importEntry(local, { ...stat, name: place.name }, { parent, name: place.name, existing });
    if (folder !== undefined) await this.#importFolders(folder);
  }

  /** Goes through a folder and all below it, one listing at a time. */
  async #importFolders(top: OpenFolder): Promise<void> {
    const waiting = [top];
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      this.#job.checkCancelled();
      try {
        for await (const page of this.#tree.list(folder.local)) {
          for (const name of page.refusedNames) this.#refuseName(folder, name);
          waiting.push(...(await this.#importPage(folder, page.entries)));
        }
      } catch (fault) {
        this.#job.problem(folder.local, fault);
      }
      await this.#leave(folder);
    }
  }

  async #importPage(folder: OpenFolder, entries: readonly LocalEntry[]): Promise<OpenFolder[]> {
    const names = entries.map((entry) => entry.name);
    const existing = folder.isNew
      ? []
      : await this.#volume.query((files) => existingEntries(files, folder.ino, names));
    const folders: OpenFolder[] = [];
    for (const [index, entry] of entries.entries()) {
      this.#job.checkCancelled();
      const local = this.#tree.join(folder.local, entry.name);
      const target = { parent: folder.ino, name: entry.name, existing: existing[index] };
      const inner = await this.#importEntry(local, entry, target, folder);
      if (inner !== undefined) folders.push(inner);
    }
    return folders;
  }

  /** Starts what one entry needs; resolves to the folder that it is. */
  async #importEntry(
    local: string,
    entry: LocalEntry,
    target: Target,
    folder?: OpenFolder,
  ): Promise<OpenFolder | undefined> {
    const step = planImport(entry, target.existing);
    try {
      if (step.do === 'refuse') throw refusal(local, step);
      if (entry.kind === 'directory') return await this.#openFolder(local, entry, target, folder);
    } catch (fault) {
      this.#job.problem(local, fault);
      return undefined;
    }
    this.#job.counts.current = local;
    if (folder !== undefined) folder.pendingCount++;
    const isLarge = entry.sizeBytes > wholeFileBytesMax;
    const group = isLarge ? this.#large : this.#small;
    const work = this.#workFor(local, entry, target, step.do);
    await group.start(
      async () => {
        try {
          await work();
        } catch (fault) {
          this.#job.problem(local, fault);
        } finally {
          if (folder !== undefined) await this.#leave(folder);
        }
      },
      isLarge ? 0 : entry.sizeBytes,
    );
    return undefined;
  }

  #workFor(local: string, entry: LocalEntry, target: Target, step: string): () => Promise<void> {
    if (entry.kind === 'symlink') return () => this.#importSymlink(local, entry, target, step);
    if (entry.linkCount <= 1) {
      return async () => {
        await this.#importFile(local, entry, target, step);
      };
    }
    const known = this.#linked.get(entry.identity);
    if (known !== undefined) {
      if (--known.namesLeft === 0) this.#linked.delete(entry.identity);
      return () => this.#importOtherName(local, entry, target, known.ino, step);
    }
    let found: (ino: number | undefined) => void = () => undefined;
    if (this.#linked.size < linkedFilesMax) {
      const ino = new Promise<number | undefined>((resolve) => {
        found = resolve;
      });
      this.#linked.set(entry.identity, { ino, namesLeft: entry.linkCount - 1 });
    }
    return async () => {
      let ino: number | undefined;
      try {
        ino = await this.#importFile(local, entry, target, step);
      } finally {
        found(ino);
      }
    };
  }

  async #openFolder(
    local: string,
    entry: LocalEntry,
    target: Target,
    parent: OpenFolder | undefined,
  ): Promise<OpenFolder> {
    const { existing } = target;
    const ino =
      existing === undefined
        ? await this.#writer.hold(changeBlocks.create, (files) => files.makeDirectory(target.parent, target.name, entry))
        : await this.#writer.keep((files) => this.#folderStillThere(files, target));
    if (existing === undefined) this.counts.directories++;
    if (parent !== undefined) parent.pendingCount++;
    return { local, ino, stat: entry, isNew: existing === undefined, parent, pendingCount: 1 };
  }

  /** The folder under the target's name, whatever became of it since it was listed. */
  #folderStillThere(files: LiveFiles, target: Target): number {
    const { ino, kind } = files.lookup(target.parent, target.name);
    if (kind === 'directory') return ino;
    throw new MirrorpointError('not-a-directory', `${target.name} is a ${kind} by now, where a folder must go. Move it out of the way.`);
  }

  /** One entry of the folder, or its listing, has ended; the last to end sets its attributes. */
  async #leave(folder: OpenFolder): Promise<void> {
    for (let at: OpenFolder | undefined = folder; at !== undefined; at = at.parent) {
      if (--at.pendingCount > 0) return;
      const { ino, stat, local } = at;
      try {
        await this.#writer.change(changeBlocks.setAttributes, (files) => {
          const now = files.stat(ino);
          if (now.modifiedNs !== stat.modifiedNs || !sameOwnerAndMode(stat, now)) files.setAttributes(ino, attributesOf(stat));
        });
      } catch (fault) {
        this.#job.problem(local, fault);
      }
      await this.#writer.release(ino);
    }
  }

  async #importFile(local: string, entry: LocalEntry, target: Target, step: string): Promise<number | undefined> {
    if (step === 'skip' || step === 'update') {
      const ino = target.existing?.ino;
      if (step === 'update' && ino !== undefined) {
        await this.#writer.change(changeBlocks.setAttributes, (files) => {
          files.setAttributes(ino, attributesOf(entry));
        });
      }
      this.counts.unchanged++;
      return ino;
    }
    const { ino } = await this.#copy.file(local, entry, copyPlace(target));
    this.counts.files++;
    this.#job.counts.files++;
    return ino;
  }

  async #importSymlink(local: string, entry: LocalEntry, target: Target, step: string): Promise<void> {
    if (step === 'skip' || step === 'update') {
      this.counts.unchanged++;
      return;
    }
    await this.#copy.symlink(local, entry, copyPlace(target));
    this.counts.symlinks++;
    this.#job.counts.files++;
  }

  async #importOtherName(
    local: string,
    entry: LocalEntry,
    target: Target,
    first: Promise<number | undefined>,
    step: string,
  ): Promise<void> {
    const ino = await first;
    if (ino === undefined) {
      await this.#importFile(local, entry, target, step);
      return;
    }
    if (target.existing?.ino === ino) {
      this.counts.unchanged++;
      return;
    }
    await this.#writer.putLink(target, ino, placing(target));
    this.counts.hardLinks++;
    this.#job.counts.files++;
  }

  #refuseName(folder: OpenFolder, shownName: string): void {
    const path = this.#tree.join(folder.local, shownName);
    const text = `${path} was left out: its name is no UTF-8. Rename it, then try again.`;
    this.#job.problem(path, new MirrorpointError('name-invalid', text));
  }
}

function placing({ existing }: Target): { replace: boolean } {
  return { replace: existing !== undefined };
}

function copyPlace({ parent, name, existing }: Target): CopyPlace {
  return { parent, name, isThere: existing !== undefined };
}
