import { MirrorpointError, reasonOf } from '../base/index.ts';
import { formatPlace, type Mount, type RootChoice } from '../contract/index.ts';
import { FuseSession, type ServedFiles } from '../serving/index.ts';
import type { EventLog } from './event-log.ts';
import type { EnginePorts, MountedFolder } from './ports.ts';
import { openServedFiles } from './serving.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/** Mounts of a server: each has a thread and 16 MiB for what it reads. */
const mountsMax = 16;

interface Mounting {
  readonly mount: Mount;
  readonly mounted: MountedFolder;
  /** Set when it is taken away on purpose; otherwise whoever did it is not known here. */
  isLeaving: boolean;
}

export interface NewMount {
  readonly volume: string;
  readonly at: RootChoice;
  /** Absolute. */
  readonly folder: string;
  readonly writeBack: boolean;
}

/**
 * The folders of this machine under which states of volumes are mounted, for as
 * long as the server runs. A mount ends with its volume: when that is closed, or
 * changes its role, what programs have open there gets errors. It could go on
 * read-only, but a program that has written half of something had better hear
 * of it, and find the new primary by a mount of its own.
 */
export class Mounts {
  readonly #parts: { readonly ports: EnginePorts; readonly shelf: VolumeShelf; readonly events: EventLog; readonly isServing: boolean };
  readonly #mountings = new Map<string, Mounting>();
  /** Mounts that are being made. */
  #pending = 0;
  #isClosed = false;

  constructor(parts: { ports: EnginePorts; shelf: VolumeShelf; events: EventLog; isServing: boolean }) {
    this.#parts = parts;
  }

  get all(): Mount[] {
    return [...this.#mountings.values()].map(({ mount }) => mount);
  }

  /** Throws the faults of the volume and of the machine, and `limit-reached`. */
  async add(wanted: NewMount): Promise<Mount> {
    if (!this.#parts.isServing || this.#isClosed) {
      throw new MirrorpointError('server-not-running', 'A mount lives in a server, and none runs here. Start one by `mirrorpoint serve`.');
    }
    if (this.#mountings.size + this.#pending >= mountsMax) {
      throw new MirrorpointError('limit-reached', `${mountsMax} folders are mounted here, which is the most. Take one away by \`mirrorpoint unmount\`.`);
    }
    this.#pending++;
    try {
      return await this.#add(wanted);
    } finally {
      this.#pending--;
    }
  }

  async #add({ volume, at, folder, writeBack }: NewMount): Promise<Mount> {
    const { events, ports } = this.#parts;
    const files = await openServedFiles(this.#parts, volume, at);
    const session = new FuseSession(files, {
      writeBack,
      onFault: (thrown) => {
        events.add(`mount ${folder}`, `A fault in the program was found: ${reasonOf(thrown)}. The request got an error; the mount goes on.`, { level: 'problem' });
      },
    });
    const mounted = await mountOrClose(files, () => ports.mounts.mount({ folder, name: files.subject, isReadOnly: files.isReadOnly, session }));
    const mount: Mount = { folder: mounted.folder, volume, at, isReadOnly: files.isReadOnly, cp: files.cp, mountedWallMs: ports.clock.wallMs() };
    const mounting: Mounting = { mount, mounted, isLeaving: false };
    this.#mountings.set(mounted.folder, mounting);
    void mounted.ended.then(() => {
      this.#mountings.delete(mounted.folder);
      if (!mounting.isLeaving) events.add(`mount ${mounted.folder}`, `It was taken away by another program. ${files.subject} is not mounted there any more.`);
    });
    return mount;
  }

  /**
   * Takes the mount of a folder away, or one that a server which is gone has left
   * there. Throws `mount-busy` unless forced, and `not-found`.
   */
  async remove(folder: string, options: { force: boolean }): Promise<void> {
    const mounting = this.#mountings.get(folder);
    if (mounting === undefined) await this.#parts.ports.mounts.clear(folder);
    else await this.#takeAway(mounting, options);
  }

  /** Ends the mounts of a volume that is about to be closed. */
  async endOf(volume: string): Promise<void> {
    await this.#endAll((mount) => mount.volume === volume, 'its volume was closed or changed its role');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#endAll(() => true, 'the server ends');
  }

  async #endAll(isMeant: (mount: Mount) => boolean, why: string): Promise<void> {
    const { events } = this.#parts;
    for (const mounting of [...this.#mountings.values()]) {
      const { folder, volume, at } = mounting.mount;
      if (!isMeant(mounting.mount)) continue;
      try {
        const users = await this.#takeAway(mounting, { force: true });
        const place = formatPlace({ volume, at, path: '/' }).slice(0, -2);
        const used = users.length === 0 ? '' : `, although ${place} was in use there by ${users.join(', ')}`;
        events.add(`mount ${folder}`, `It ended, because ${why}${used}.`, { level: users.length === 0 ? 'info' : 'warning' });
      } catch (fault) {
        events.add(`mount ${folder}`, `It did not end well: ${reasonOf(fault)}`, { level: 'problem' });
      }
    }
  }

  async #takeAway(mounting: Mounting, options: { force: boolean }): Promise<readonly string[]> {
    mounting.isLeaving = true;
    try {
      return await mounting.mounted.unmount(options);
    } catch (fault) {
      mounting.isLeaving = false;
      throw fault;
    }
  }
}

/** What was opened for a mount that did not come about is closed. */
async function mountOrClose(files: ServedFiles, mount: () => Promise<MountedFolder>): Promise<MountedFolder> {
  try {
    return await mount();
  } catch (fault) {
    await files[Symbol.asyncDispose]();
    throw fault;
  }
}
