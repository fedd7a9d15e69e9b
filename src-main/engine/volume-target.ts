import { bytesEqual, isFault, MirrorpointError } from '../base/index.ts';
import { childPath, type ListedEntry } from '../contract/index.ts';
import { changeBlocks } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import type { ExistingAt, ExportTarget, TakingPlace, TargetFile, TargetPlace } from './export-target.ts';
import { type ExtendedAttribute, extendedOf, inodeAt } from './readable-root.ts';
import type { Part } from './sparse.ts';
import type { TemporaryNames } from './temporary-names.ts';
import { attributesOf, type EntryPlace, existingEntries, type FileInParts, type Placing, VolumeWriter } from './volume-writer.ts';

/** A folder of the live state; it is held while entries come into it. */
export interface VolumeFolder {
  readonly ino: number;
  readonly path: string;
}

type VolumePlace = TargetPlace<VolumeFolder>;

/** Names of one moment that are tried for the snapshot. */
const snapshotNamesTriedMax = 100;

/**
 * The live state of a volume, with everything that an entry has: modes, owners,
 * times, links, holes and extended attributes. Before anything is replaced, the
 * volume as it is becomes a snapshot, whose name no schedule knows.
 */
export class VolumeTarget implements ExportTarget<VolumeFolder, number> {
  readonly timeGrainNs = 1n;
  readonly grainBytes: number;
  readonly keepsExtended = true;
  readonly #volume: Volume;
  readonly #writer: VolumeWriter;
  readonly #wallMs: () => number;
  #snapshot: string | undefined;

  constructor(open: { volume: Volume; temporaryNames: TemporaryNames }, options: { wallMs: () => number }) {
    this.#volume = open.volume;
    this.#writer = new VolumeWriter(open);
    this.grainBytes = this.#writer.grainBytes;
    this.#wallMs = options.wallMs;
  }

  /** The name of the snapshot that was taken before anything was replaced. */
  get snapshot(): string | undefined {
    return this.#snapshot;
  }

  /** A folder by its path, to look at and no more; undefined when there is none. */
  async findFolder(path: string): Promise<VolumeFolder | undefined> {
    return this.#volume.query((files) => {
      try {
        const ino = inodeAt(files, path, { follow: true });
        return files.stat(ino).kind === 'directory' ? { ino, path } : undefined;
      } catch (fault) {
        if (isFault(fault, 'not-found') || isFault(fault, 'not-a-directory')) return undefined;
        throw fault;
      }
    });
  }

  /** A folder by its path, which is held until it is left. Throws `not-found` and `not-a-directory`. */
  async openFolder(path: string): Promise<VolumeFolder> {
    const ino = await this.#writer.keep((files) => {
      const found = inodeAt(files, path, { follow: true });
      if (files.stat(found).kind === 'directory') return found;
      throw new MirrorpointError('not-a-directory', `${this.#volume.name}:${path} is no folder. Name the folder that things are to go into.`);
    });
    return { ino, path };
  }

  async freeBytes(): Promise<number> {
    const { freeBlockCount, blockSizeBytes } = this.#volume.status();
    return freeBlockCount * blockSizeBytes;
  }

  pathOf({ folder, name }: VolumePlace): string {
    return `${this.#volume.name}:${childPath(folder.path, name)}`;
  }

  async existing({ ino }: VolumeFolder, names: readonly string[]): Promise<(ExistingAt<number> | undefined)[]> {
    const found = await this.#volume.query((files) => existingEntries(files, ino, names));
    return found.map((entry) => entry && { ...entry, made: entry.ino });
  }

  inside({ folder, name }: VolumePlace, existing: ExistingAt<number>): VolumeFolder {
    return { ino: existing.made, path: childPath(folder.path, name) };
  }

  async beforeReplacing(): Promise<void> {
    this.#snapshot = await this.#takeSnapshot();
  }

  async makeFolder({ folder, name }: VolumePlace, entry: ListedEntry, { extended }: Pick<TakingPlace, 'extended'>): Promise<VolumeFolder> {
    const ino = await this.#writer.hold(changeBlocks.create, (files) => files.makeDirectory(folder.ino, name, entry));
    await this.#setExtended(ino, extended);
    return { ino, path: childPath(folder.path, name) };
  }

  async enterFolder({ folder, name }: VolumePlace): Promise<VolumeFolder> {
    const ino = await this.#writer.keep((files) => {
      const found = files.lookup(folder.ino, name);
      if (found.kind === 'directory') return found.ino;
      throw new MirrorpointError('not-a-directory', `${this.pathOf({ folder, name })} is a ${found.kind} by now, where a folder must go. Move it out of the way.`);
    });
    return { ino, path: childPath(folder.path, name) };
  }

  async leaveFolder({ ino }: VolumeFolder, entry: ListedEntry | undefined): Promise<void> {
    if (entry !== undefined) {
      await this.#writer.change(changeBlocks.setAttributes, (files) => {
        files.setAttributes(ino, attributesOf(entry));
      });
    }
    await this.#writer.release(ino);
  }

  putFile(at: VolumePlace, file: { entry: ListedEntry; bytes: Uint8Array; parts: readonly Part[] }, how: TakingPlace): Promise<number> {
    const { entry, bytes, parts } = file;
    return this.#writer.putWhole(entryPlace(at), { attributes: entry, bytes, parts }, this.#placing(how));
  }

  async openFile(at: VolumePlace): Promise<TargetFile<number>> {
    const file = await this.#writer.openFile(entryPlace(at));
    const commit = async ({ entry, sizeBytes }: { entry: ListedEntry; sizeBytes: number }, how: TakingPlace): Promise<number> => {
      await this.#setExtended(file.ino, how.extended);
      await file.finish(sizeBytes, entry);
      await file.name(at.name, how);
      return file.ino;
    };
    return fileOf(file, commit);
  }

  putSymlink(at: VolumePlace, entry: ListedEntry, how: TakingPlace): Promise<number> {
    return this.#writer.putSymlink(entryPlace(at), { target: entry.linkTarget ?? '', attributes: entry }, this.#placing(how));
  }

  async putLink(at: VolumePlace, made: number, how: TakingPlace): Promise<void> {
    const [existing] = how.replace ? await this.existing(at.folder, [at.name]) : [];
    // Two names of one file: a rename of one over the other does nothing, and would leave both.
    if (existing?.made !== made) await this.#writer.putLink(entryPlace(at), made, { replace: how.replace });
  }

  async hasAllOf({ made }: ExistingAt<number>, entry: ListedEntry, extended: AsyncIterable<ExtendedAttribute>): Promise<boolean> {
    const { now, has } = await this.#volume.query((files) => ({
      now: files.stat(made),
      has: files.hasExtendedAttributes(made) ? extendedOf(files, made, { after: undefined, limit: Infinity }) : [],
    }));
    if (now.mode !== entry.mode || now.uid !== entry.uid || now.gid !== entry.gid) return false;
    let count = 0;
    for await (const { name, value } of extended) {
      const other = has[count++];
      if (other?.name !== name || !bytesEqual(other.value, value)) return false;
    }
    return count === has.length;
  }

  async update({ made }: ExistingAt<number>, { mode, uid, gid }: ListedEntry): Promise<void> {
    await this.#writer.change(changeBlocks.setAttributes, (files) => {
      files.setAttributes(made, { mode, uid, gid });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }

  #placing({ replace, extended }: TakingPlace): Placing {
    return { replace, finish: extended && ((ino) => this.#setExtended(ino, extended)) };
  }

  async #setExtended(ino: number, extended: AsyncIterable<ExtendedAttribute> | undefined): Promise<void> {
    if (extended === undefined) return;
    const costBlocks = changeBlocks.extendedAttribute(this.grainBytes);
    for await (const { name, value } of extended) {
      await this.#writer.change(costBlocks, (files) => {
        files.setExtendedAttribute(ino, name, value);
      });
    }
  }

  async #takeSnapshot(): Promise<string> {
    const moment = new Date(this.#wallMs()).toISOString().slice(0, 19).replaceAll(':', '.');
    for (let attempt = 1; ; attempt++) {
      const name = `before-restore-${moment}Z${attempt === 1 ? '' : `-${attempt}`}`;
      try {
        await this.#volume.createSnapshot(name);
        return name;
      } catch (fault) {
        if (!isFault(fault, 'snapshot-exists') || attempt === snapshotNamesTriedMax) throw fault;
      }
    }
  }
}

function entryPlace({ folder, name }: VolumePlace): EntryPlace {
  return { parent: folder.ino, name };
}

function fileOf(file: FileInParts, commit: TargetFile<number>['commit']): TargetFile<number> {
  return {
    write: (offsetBytes, bytes, parts) => file.write(offsetBytes, bytes, parts),
    commit,
    [Symbol.asyncDispose]: () => file.close(),
  };
}
