import { MirrorpointError } from '../base/index.ts';
import type { RestoreTarget } from '../contract/index.ts';
import type { NewFile } from '../files/index.ts';
import { endsCopy, type Placement } from '../restore/index.ts';
import { makeDurable } from './durable.ts';
import type { Engine } from './engine.ts';
import type { ExportSource } from './export-source.ts';
import type { ExportTarget } from './export-target.ts';
import { LocalTarget } from './local-target.ts';
import { makeFolder } from './make-folder.ts';
import { checkAbsolute, type OpenPrimary } from './volume-opening.ts';
import { type VolumeFolder, VolumeTarget } from './volume-target.ts';

/** Where a restore leads: its target, which it owns, and the folders that things go into. */
export interface RestoreWay<Folder, Made> extends AsyncDisposable {
  readonly target: ExportTarget<Folder, Made>;
  /** What is to be said at the end, whatever that is. */
  readonly remarks: readonly string[];
  /** The folder that something goes into, to look at; undefined while there is none. */
  findFolder(placement: Placement): Promise<Folder | undefined>;
  /** The folder, which is made with those above it where something goes back to where it was. */
  openFolder(placement: Placement, source: ExportSource): Promise<Folder>;
  /** Resolves when what was restored survives a crash, as far as the target promises that. */
  settle(): Promise<void>;
}

/** Work on a way, whatever the folders of its target are. */
export type OnWay<T> = <Folder, Made>(way: RestoreWay<Folder, Made>) => Promise<T>;

/** A way that is open until it is disposed of. */
export interface OpenWay extends AsyncDisposable {
  use<T>(work: OnWay<T>): Promise<T>;
}

/** Throws `volume-read-only`, `volume-not-found`, `argument-invalid`, `not-found` and `not-a-directory`. */
export async function openWay(engine: Engine, to: RestoreTarget): Promise<OpenWay> {
  if (to.kind === 'local') {
    checkAbsolute(to.folder);
    const { localTree } = engine.ports;
    await localTree.folderAt(to.folder);
    return opened(new LocalWay(new LocalTarget(localTree, to.folder), to.folder));
  }
  const open = await engine.shelf.primary(to.volume);
  const target = new VolumeTarget(open, { wallMs: () => engine.ports.clock.wallMs() });
  const way = new VolumeWay(target, { open, folder: to.folder });
  await way.checkFolder();
  return opened(way);
}

function opened<Folder, Made>(way: RestoreWay<Folder, Made>): OpenWay {
  return { use: (work) => work(way), [Symbol.asyncDispose]: () => way[Symbol.asyncDispose]() };
}

class LocalWay implements RestoreWay<string, string> {
  readonly target: LocalTarget;
  readonly remarks = [];
  readonly #folder: string;

  constructor(target: LocalTarget, folder: string) {
    this.target = target;
    this.#folder = folder;
  }

  async findFolder(): Promise<string> {
    return this.#folder;
  }

  openFolder(): Promise<string> {
    return this.findFolder();
  }

  async settle(): Promise<void> {
    // When files of this machine reach the disk is for its system to say.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.target[Symbol.asyncDispose]();
  }
}

class VolumeWay implements RestoreWay<VolumeFolder, number> {
  readonly target: VolumeTarget;
  readonly #open: OpenPrimary;
  /** Undefined: each path goes back to where it was. */
  readonly #folder: string | undefined;
  readonly #folders = new Map<string, Promise<VolumeFolder>>();

  constructor(target: VolumeTarget, options: { open: OpenPrimary; folder: string | undefined }) {
    this.target = target;
    this.#open = options.open;
    this.#folder = options.folder;
  }

  get remarks(): string[] {
    const { snapshot } = this.target;
    return snapshot === undefined ? [] : [`Volume ${this.#open.name} as it was before anything was replaced is the snapshot "${snapshot}".`];
  }

  /** Throws `not-found` when there is no folder of the name. */
  async checkFolder(): Promise<void> {
    if (this.#folder === undefined || (await this.target.findFolder(this.#folder)) !== undefined) return;
    throw new MirrorpointError('not-found', `There is no folder ${this.#open.name}:${this.#folder}. Make it first (\`mirrorpoint mkdir\`), or choose another.`);
  }

  findFolder(placement: Placement): Promise<VolumeFolder | undefined> {
    return this.target.findFolder(this.#pathFor(placement));
  }

  openFolder(placement: Placement, source: ExportSource): Promise<VolumeFolder> {
    const path = this.#pathFor(placement);
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const opening = this.#make(path, source);
    this.#folders.set(path, opening);
    return opening;
  }

  settle(): Promise<void> {
    return makeDurable(this.#open.volume);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.target[Symbol.asyncDispose]();
  }

  #pathFor({ folder }: Placement): string {
    return this.#folder ?? folder ?? '/';
  }

  async #make(path: string, source: ExportSource): Promise<VolumeFolder> {
    if (this.#folder === undefined) {
      await makeFolder(this.#open.volume, { path, parents: true, attributesOf: (folder) => attributesIn(source, folder) });
    }
    return this.target.openFolder(path);
  }
}

/** What a folder that has to be made again had. */
async function attributesIn(source: ExportSource, path: string): Promise<NewFile> {
  try {
    const { kind, mode, uid, gid } = await source.entryAt(path);
    if (kind === 'directory') return { mode, uid, gid };
  } catch (fault) {
    if (endsCopy(fault)) throw fault;
  }
  return { mode: 0o755, uid: 0, gid: 0 };
}
