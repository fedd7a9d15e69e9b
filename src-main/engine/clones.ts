import { MirrorpointError } from '../base/index.ts';
import type { Clone, RootChoice } from '../contract/index.ts';
import { openClone } from '../volume/index.ts';
import { CpLog } from './cp-log.ts';
import type { EventLog } from './event-log.ts';
import type { EnginePorts, LineLog } from './ports.ts';
import type { VolumeSettings } from './settings.ts';
import { TemporaryNames } from './temporary-names.ts';
import type { OpenPrimary } from './volume-opening.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/** Clones that live at a time: each has memory for changes, as a volume has. */
const clonesMax = 8;

/** What is not remembered longer than the server runs. */
const forgetful: LineLog = {
  read: () => Promise.resolve([]),
  append: () => Promise.resolve(),
  replace: () => Promise.resolve(),
};

/**
 * The clones of a server: volumes that begin with a state of another, take
 * changes, and are forgotten when they end, with the server at the latest. The
 * other goes on meanwhile, and keeps that state.
 */
export class Clones {
  readonly #ports: EnginePorts;
  readonly #shelf: VolumeShelf;
  readonly #events: EventLog;
  readonly #clones = new Map<string, Clone>();

  constructor(parts: { ports: EnginePorts; shelf: VolumeShelf; events: EventLog }) {
    this.#ports = parts.ports;
    this.#shelf = parts.shelf;
    this.#events = parts.events;
  }

  get all(): Clone[] {
    return [...this.#clones.values()];
  }

  /** Makes a clone of a state of a volume here, whatever its role. `scratch` is the folder for what the clone writes. */
  async start(name: string, of: { volume: string; at: RootChoice; scratch?: string | undefined }): Promise<OpenPrimary> {
    const { volume, at, scratch } = of;
    this.#refuseTaken(name);
    const base = await this.#shelf.get(volume);
    const cloneable = base.role === 'primary' ? base.volume : base.mirror;
    const { clock, random } = this.#ports;
    const device = await this.#ports.openScratch(name, { sizeBytes: base.set.blockCount * base.set.blockSizeBytes, folder: scratch });
    const settings = settingsOfClone(name, this.#shelf.settingsOf(volume));
    const { cpIntervalMs, durability } = settings;
    try {
      const clone = await openClone({
        of: cloneable,
        at: at === 'live' ? 'last' : at,
        scratch: device,
        name,
        clock,
        random,
        cpIntervalMs,
        durability,
      });
      const { blockSizeBytes, blockCount } = clone.root;
      const open: OpenPrimary = {
        role: 'primary',
        name,
        set: { blockSizeBytes, blockCount, devices: [], deviceErrors: [], onDeviceError: () => () => undefined, replaceDevice: hasNoDevices },
        volume: clone,
        cpLog: await CpLog.open(forgetful),
        temporaryNames: new TemporaryNames(),
        close: () => clone.close(),
      };
      this.#clones.set(name, { name, volume, at, startedWallMs: clock.wallMs() });
      this.#shelf.lend(open, settings);
      return open;
    } catch (fault) {
      await device.close();
      throw fault;
    }
  }

  /** Forgets a clone. Throws `not-found`. */
  async end(name: string): Promise<void> {
    if (!this.#clones.delete(name)) {
      throw new MirrorpointError('not-found', `There is no clone '${name}' here. See \`mirrorpoint clone list\`.`);
    }
    await this.#shelf.release(name);
  }

  /** Ends the clones of a volume that is about to be closed. */
  async endOf(volume: string): Promise<void> {
    for (const clone of this.all) {
      if (clone.volume !== volume) continue;
      await this.end(clone.name);
      this.#events.add(`clone ${clone.name}`, `It ended, because volume ${volume} was closed or changed its role.`, { level: 'warning' });
    }
  }

  async close(): Promise<void> {
    for (const { name } of this.all) await this.end(name);
  }

  #refuseTaken(name: string): void {
    if (this.#shelf.has(name)) {
      throw new MirrorpointError('volume-exists', `There is a volume or clone '${name}' here already. Choose another name.`);
    }
    if (this.#clones.size < clonesMax) return;
    throw new MirrorpointError('argument-invalid', `${clonesMax} clones live here, which is the most. End one by \`mirrorpoint clone end\`.`);
  }
}

/** A clone takes its CPs as its volume does. */
function hasNoDevices(): Promise<never> {
  return Promise.reject(new MirrorpointError('unsupported', 'A clone has no devices of its own. Name its volume.'));
}

function settingsOfClone(name: string, { cpIntervalMs, durability }: VolumeSettings): VolumeSettings {
  return { name, role: 'primary', devices: [], cpIntervalMs, durability, discard: false, listen: [] };
}
