import { MirrorpointError } from '../base/index.ts';
import { formatPlace, type RootChoice } from '../contract/index.ts';
import type { Capacity, ServedFiles } from '../serving/index.ts';
import type { RootView, Volume } from '../volume/index.ts';
import { HeldInodes } from './held-inodes.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/**
 * Opens a state of a volume for clients: the live one of a primary takes
 * changes; a kept one, and a mirror's last CP, do not. The caller closes it
 * before the volume is closed.
 */
export async function openServedFiles({ shelf }: { readonly shelf: VolumeShelf }, volume: string, at: RootChoice): Promise<ServedFiles> {
  const open = await shelf.get(volume);
  if (open.role === 'primary' && at === 'live') return new LiveServedFiles(volume, open.volume);
  const served = open.role === 'primary' ? open.volume : open.mirror;
  const view = await served.openView(at === 'live' ? 'last' : at);
  const subject = at === 'live' ? volume : formatPlace({ volume, at, path: '/' }).replace(/:\/$/, '');
  const { blockSizeBytes, blockCount } = open.set;
  const usedBlockCount = (open.role === 'primary' ? open.volume.root : open.mirror.committed)?.usedBlockCount ?? blockCount;
  return new KeptServedFiles(subject, view, { blockSizeBytes, blockCount, freeBlockCount: blockCount - usedBlockCount, inodeCount: view.inodeCount });
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
