import { isFault } from '../base/index.ts';
import type { ListedEntry } from '../contract/index.ts';
import type { ExistingAt, ExportTarget, TakingPlace, TargetFile, TargetPlace } from './export-target.ts';
import type { LocalTree, LocalWriter } from './local-tree.ts';
import type { Part } from './sparse.ts';

type LocalPlace = TargetPlace<string>;

/**
 * A folder of this machine, by its path, with modes, owners (as root), times to
 * the microsecond, links and holes. Extended attributes are not kept: Node has
 * no call that writes them.
 */
export class LocalTarget implements ExportTarget<string, string> {
  readonly timeGrainNs = 1000n;
  readonly grainBytes = 4096;
  readonly keepsExtended = false;
  readonly #tree: LocalTree;
  readonly #folder: string;

  /** The folder says where the room is looked for. */
  constructor(tree: LocalTree, folder: string) {
    this.#tree = tree;
    this.#folder = folder;
  }

  async freeBytes(): Promise<number> {
    return (await this.#tree.folderAt(this.#folder)).freeBytes;
  }

  pathOf({ folder, name }: LocalPlace): string {
    return this.#tree.join(folder, name);
  }

  async existing(folder: string, names: readonly string[]): Promise<(ExistingAt<string> | undefined)[]> {
    return Promise.all(
      names.map(async (name) => {
        const made = this.#pathIfPossible(folder, name);
        if (made === undefined) return undefined;
        const stat = await this.#tree.stat(made);
        return stat && { ...stat, made };
      }),
    );
  }

  inside(at: LocalPlace): string {
    return this.pathOf(at);
  }

  async beforeReplacing(): Promise<void> {
    // The files of this machine have no snapshots.
  }

  async makeFolder(at: LocalPlace): Promise<string> {
    const path = this.pathOf(at);
    await this.#tree.makeDirectory(path);
    return path;
  }

  async enterFolder(at: LocalPlace): Promise<string> {
    return this.pathOf(at);
  }

  async leaveFolder(folder: string, entry: ListedEntry | undefined): Promise<void> {
    if (entry !== undefined) await this.#tree.setDirectoryAttributes(folder, entry);
  }

  async putFile(at: LocalPlace, file: { entry: ListedEntry; bytes: Uint8Array; parts: readonly Part[] }, how: TakingPlace): Promise<string> {
    const { entry, bytes, parts } = file;
    const path = this.pathOf(at);
    await this.#tree.makeFile(path, { bytes, parts, attributes: entry, replace: isFree(how) });
    return path;
  }

  async openFile(at: LocalPlace): Promise<TargetFile<string>> {
    const path = this.pathOf(at);
    return new LocalFile(path, await this.#tree.createFile(path));
  }

  async putSymlink(at: LocalPlace, entry: ListedEntry, { replace }: TakingPlace): Promise<string> {
    const path = this.pathOf(at);
    await this.#tree.makeSymlink(path, { target: entry.linkTarget ?? '', attributes: entry, replace });
    return path;
  }

  async putLink(at: LocalPlace, made: string, { replace }: TakingPlace): Promise<void> {
    await this.#tree.makeHardLink(this.pathOf(at), { existing: made, replace });
  }

  /** What cannot have a name here has nothing under it either; whoever wants to make it is told. */
  #pathIfPossible(folder: string, name: string): string | undefined {
    try {
      return this.#tree.join(folder, name);
    } catch (fault) {
      if (isFault(fault, 'name-invalid')) return undefined;
      throw fault;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Files that were not finished were removed with their writers.
  }
}

/** Whether a file may be named over whatever is there, which is one call of the system, and else two. */
function isFree({ replace, isInNew }: TakingPlace): boolean {
  return replace || isInNew;
}

class LocalFile implements TargetFile<string> {
  readonly #path: string;
  readonly #writer: LocalWriter;

  constructor(path: string, writer: LocalWriter) {
    this.#path = path;
    this.#writer = writer;
  }

  async write(offsetBytes: number, bytes: Uint8Array, parts: readonly Part[]): Promise<void> {
    for (const { start, end } of parts) await this.#writer.write(offsetBytes + start, bytes.subarray(start, end));
  }

  async commit({ entry, sizeBytes }: { entry: ListedEntry; sizeBytes: number }, how: TakingPlace): Promise<string> {
    await this.#writer.commit({ sizeBytes, attributes: entry, replace: isFree(how) });
    return this.#path;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer.close();
  }
}
