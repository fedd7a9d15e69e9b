import { type CancelTimer, type Clock, MirrorpointError, Mutex } from '../base/index.ts';
import { formatPlace, type RootChoice } from '../contract/index.ts';
import type { Capacity, NamedState, ServedFiles, ServedStates } from '../serving/index.ts';
import type { RootView, Volume } from '../volume/index.ts';
import { HeldInodes } from './held-inodes.ts';
import type { OpenMirror, OpenVolume } from './volume-opening.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/** How long a mirror's last CP stays open when nobody uses it: what is open is kept on the primary. */
const idleViewMs = 5000;

/**
 * Opens a state of a volume for clients: the live one of a primary takes
 * changes; a kept one, and a mirror's last CP, do not. The caller closes it
 * before the volume is closed.
 */
export async function openServedFiles(engine: { readonly shelf: VolumeShelf }, volume: string, at: RootChoice): Promise<ServedFiles> {
  return openState(await engine.shelf.get(volume), at);
}

async function openState(open: OpenVolume, at: RootChoice): Promise<ServedFiles> {
  const { name: volume } = open;
  if (open.role === 'primary' && at === 'live') return new LiveServedFiles(volume, open.volume);
  const served = open.role === 'primary' ? open.volume : open.mirror;
  const view = await served.openView(at === 'live' ? 'last' : at);
  const subject = at === 'live' ? volume : formatPlace({ volume, at, path: '/' }).replace(/:\/$/, '');
  const { blockSizeBytes, blockCount } = open.set;
  const usedBlockCount = (open.role === 'primary' ? open.volume.root : open.mirror.committed)?.usedBlockCount ?? blockCount;
  return new KeptServedFiles(subject, view, { blockSizeBytes, blockCount, freeBlockCount: blockCount - usedBlockCount, inodeCount: view.inodeCount });
}

/** The states of a volume while it is open in one role. */
export class OpenStates implements ServedStates, AsyncDisposable {
  readonly volume: string;
  readonly #open: OpenVolume;
  readonly #last: LastCp | undefined;

  constructor(open: OpenVolume, clock: Clock) {
    this.volume = open.name;
    this.#open = open;
    this.#last = open.role === 'mirror' ? new LastCp(open, clock) : undefined;
  }

  openCurrent(): Promise<ServedFiles> {
    return this.#last === undefined ? openState(this.#open, 'live') : this.#last.use();
  }

  openSnapshot(snapshot: string): Promise<ServedFiles> {
    return openState(this.#open, { snapshot });
  }

  async listSnapshots(page: { after: number; limit: number }): Promise<readonly NamedState[]> {
    const { name, role } = this.#open;
    if (role === 'mirror' && this.#open.mirror.committed === undefined) throw emptyMirror(name);
    return role === 'mirror' ? this.#open.mirror.listSnapshots(page) : this.#open.volume.listSnapshots(page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last?.close();
  }
}

/** A state that several use, until the last of them has left it and it is no more wanted. */
interface SharedState {
  readonly files: ServedFiles;
  users: number;
}

/**
 * The last CP of a mirror, as each request finds it: one view for all that come
 * before the next CP, and none for long when nobody comes.
 */
class LastCp {
  readonly #open: OpenMirror;
  readonly #clock: Clock;
  readonly #opening = new Mutex();
  #shared: SharedState | undefined;
  #cancelIdle: CancelTimer | undefined;

  constructor(open: OpenMirror, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  use(): Promise<ServedFiles> {
    return this.#opening.run(async () => {
      const { committed } = this.#open.mirror;
      if (committed === undefined) throw emptyMirror(this.#open.name);
      this.#cancelIdle?.();
      if (this.#shared !== undefined && this.#shared.files.cp !== committed.cp) await this.#giveUp();
      const shared = (this.#shared ??= { files: await openState(this.#open, 'live'), users: 0 });
      shared.users++;
      let isLeft = false;
      const leave = async (): Promise<void> => {
        if (isLeft) return;
        isLeft = true;
        shared.users--;
        if (shared.users > 0) return;
        if (shared !== this.#shared) await shared.files[Symbol.asyncDispose]();
        else this.#cancelIdle = this.#clock.setTimer(idleViewMs, () => void this.#opening.run(() => this.#closeIdle(shared)));
      };
      return new BorrowedFiles(shared.files, leave);
    });
  }

  async close(): Promise<void> {
    this.#cancelIdle?.();
    await this.#opening.run(() => this.#giveUp());
  }

  /** Lets the view go: at once, or when the last has left it. */
  async #giveUp(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared?.users === 0) await shared.files[Symbol.asyncDispose]();
  }

  async #closeIdle(shared: SharedState): Promise<void> {
    if (shared === this.#shared && shared.users === 0) await this.#giveUp();
  }
}

function emptyMirror(name: string): MirrorpointError {
  return new MirrorpointError('volume-not-found', `The mirror ${name} has received no CP yet. Wait until its primary has sent one.`);
}

class LiveServedFiles implements ServedFiles {
  readonly subject: string;
  readonly isReadOnly = false;
  readonly cp = 0;
  readonly #volume: Volume;
  readonly #held: HeldInodes;
  #closing: Promise<void> | undefined;

  constructor(subject: string, volume: Volume) {
    this.subject = subject;
    this.#volume = volume;
    this.#held = new HeldInodes(volume);
  }

  readonly query: ServedFiles['query'] = (operation) => this.#volume.query(operation);
  readonly change: ServedFiles['change'] = (costBlocks, operation, options) => this.#volume.change(costBlocks, operation, options);
  readonly hold: ServedFiles['hold'] = (costBlocks, operation) => this.#held.hold(costBlocks, operation);
  readonly holdThrough: ServedFiles['holdThrough'] = (costBlocks, find, operation) => this.#held.holdThrough(costBlocks, find, operation);
  readonly keep: ServedFiles['keep'] = (operation) => this.#held.keep(operation);
  readonly release: ServedFiles['release'] = (ino) => this.#held.release(ino);
  readonly readInto: ServedFiles['readInto'] = (ino, offsetBytes, target) => this.#volume.readInto(ino, offsetBytes, target);
  readonly seek: ServedFiles['seek'] = (ino, offsetBytes, what) => this.#volume.seek(ino, offsetBytes, what);

  sync(): Promise<void> {
    return this.#volume.sync();
  }

  capacity(): Capacity {
    return this.#volume.status();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#held[Symbol.asyncDispose]();
    return this.#closing;
  }
}

/** A kept state that others use as well. */
class BorrowedFiles implements ServedFiles {
  readonly isReadOnly = true;
  readonly #files: ServedFiles;
  readonly #leave: () => Promise<void>;

  constructor(files: ServedFiles, leave: () => Promise<void>) {
    this.#files = files;
    this.#leave = leave;
  }

  get subject(): string {
    return this.#files.subject;
  }

  get cp(): number {
    return this.#files.cp;
  }

  readonly query: ServedFiles['query'] = (operation) => this.#files.query(operation);
  readonly change: ServedFiles['change'] = (costBlocks, operation, options) => this.#files.change(costBlocks, operation, options);
  readonly hold: ServedFiles['hold'] = (costBlocks, operation) => this.#files.hold(costBlocks, operation);
  readonly holdThrough: ServedFiles['holdThrough'] = (costBlocks, find, operation) => this.#files.holdThrough(costBlocks, find, operation);
  readonly keep: ServedFiles['keep'] = (operation) => this.#files.keep(operation);
  readonly release: ServedFiles['release'] = (ino) => this.#files.release(ino);
  readonly readInto: ServedFiles['readInto'] = (ino, offsetBytes, target) => this.#files.readInto(ino, offsetBytes, target);
  readonly seek: ServedFiles['seek'] = (ino, offsetBytes, what) => this.#files.seek(ino, offsetBytes, what);
  readonly sync: ServedFiles['sync'] = () => this.#files.sync();
  readonly capacity: ServedFiles['capacity'] = () => this.#files.capacity();

  [Symbol.asyncDispose](): Promise<void> {
    return this.#leave();
  }
}

class KeptServedFiles implements ServedFiles {
  readonly subject: string;
  readonly isReadOnly = true;
  readonly #view: RootView;
  readonly #capacity: Capacity;

  constructor(subject: string, view: RootView, capacity: Capacity) {
    this.subject = subject;
    this.#view = view;
    this.#capacity = capacity;
  }

  get cp(): number {
    return this.#view.cp;
  }

  readonly query: ServedFiles['query'] = (operation) => this.#view.query(operation);
  readonly change: ServedFiles['change'] = () => Promise.reject(this.#refusal());
  readonly hold: ServedFiles['hold'] = () => Promise.reject(this.#refusal());
  readonly holdThrough: ServedFiles['holdThrough'] = () => Promise.reject(this.#refusal());
  readonly keep: ServedFiles['keep'] = (operation) => this.#view.query(operation);
  readonly readInto: ServedFiles['readInto'] = (ino, offsetBytes, target) => this.#view.readInto(ino, offsetBytes, target);
  readonly seek: ServedFiles['seek'] = (ino, offsetBytes, what) => this.#view.seek(ino, offsetBytes, what);

  release(): Promise<void> {
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  capacity(): Capacity {
    return this.#capacity;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#view.close();
  }

  #refusal(): MirrorpointError {
    return new MirrorpointError('volume-read-only', `${this.subject} is a state that is only read. Change the live volume on its primary.`);
  }
}
