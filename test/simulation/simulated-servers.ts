import { isFault, type SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { MirrorService, type MirroredVolume, PrimaryRelationship } from '../../src-main/replication/index.ts';
import type { Link } from '../../src-main/transport/index.ts';
import { MirrorVolume, Volume, type VolumeOptions } from '../../src-main/volume/index.ts';
import type { Host } from './host.ts';
import { immediatePacking } from './immediate-packing.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

/** Short ones, so that a run meets them. */
const heartbeatIntervalMs = 500;
const silenceMaxMs = 4000;

/** Faults of a device that fails, not of the program. */
export function isDeviceFault(fault: unknown): boolean {
  return isFault(fault, 'device-io') || isFault(fault, 'device-full');
}

/** What stands between the simulated machines and the product: nothing, or a planted fault. */
export interface Wrappers {
  primaryDevice: (device: Device) => Device;
  mirrorDevice: (device: Device) => Device;
  mirroredVolume: (volume: Volume) => MirroredVolume;
  mirrorVolume: (volume: MirrorVolume) => MirrorVolume;
}

export const noWrappers: Wrappers = {
  primaryDevice: (device) => device,
  mirrorDevice: (device) => device,
  mirroredVolume: (volume) => volume,
  mirrorVolume: (volume) => volume,
};

/** A process, and what tells those who wait for it that it is gone. */
class Server {
  readonly host: Host;
  readonly #died: Promise<'dead'>;
  isStopping = false;

  constructor(host: Host) {
    this.host = host;
    this.#died = new Promise((resolve) => {
      host.onKill(() => {
        resolve('dead');
      });
    });
  }

  /** The task's result, or `dead` when the process is killed before: then the task never ends. */
  within<T>(task: Promise<T>): Promise<T | 'dead'> {
    return Promise.race([task, this.#died]).then((result) => (this.host.isAlive ? result : 'dead'));
  }
}

export interface PrimaryServerOptions {
  host: Host;
  disks: readonly SimulatedDisk[];
  network: SimulatedNetwork;
  wrappers: Wrappers;
  volume: Pick<VolumeOptions, 'random' | 'cpIntervalMs' | 'durability' | 'discard'>;
  /** Where its mirrors listen. */
  mirrors: readonly string[];
  /** Runs before the relationship starts, in the same step as the volume's opening ends. */
  onOpen: (volume: Volume) => void;
}

/** One life of the primary. */
export class PrimaryServer extends Server {
  readonly volume: Volume;
  readonly relationships: readonly PrimaryRelationship[];

  private constructor(options: PrimaryServerOptions, volume: Volume) {
    super(options.host);
    const { host, network, wrappers } = options;
    this.volume = volume;
    options.onOpen(volume);
    const mirrored = wrappers.mirroredVolume(volume);
    this.relationships = options.mirrors.map((address) => {
      return new PrimaryRelationship({
        volume: mirrored,
        connect: () => network.connect(host, address),
        clock: host,
        relationshipId: address,
        serverId: new Uint8Array(16).fill(1),
        serverName: 'primary',
        packing: immediatePacking,
        heartbeatIntervalMs,
        silenceMaxMs,
      });
    });
    for (const relationship of this.relationships) relationship.start();
  }

  static async create(options: PrimaryServerOptions, random: SeededRandom): Promise<PrimaryServer> {
    const set = await DeviceSet.create(PrimaryServer.#devices(options), {
      volumeId: random.bytes(16),
      setId: random.bytes(16),
      blockSizeBytes: 4096,
      journalBytes: 128 << 10,
      random,
    });
    return new PrimaryServer(options, await Volume.create(set, volumeOptions(options)));
  }

  /** With an epoch, the devices may be a mirror's still: then it is promoted. */
  static async open(options: PrimaryServerOptions, epoch?: number): Promise<PrimaryServer> {
    const set = await DeviceSet.open(PrimaryServer.#devices(options), { random: options.volume.random });
    const volume = await Volume.open(set, volumeOptions(options)).catch((fault: unknown) => {
      if (epoch === undefined || !isFault(fault, 'volume-is-mirror')) throw fault;
      return Volume.promote(set, volumeOptions(options), { epoch });
    });
    return new PrimaryServer(options, volume);
  }

  /** A clean stop, with a final CP. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const relationship of this.relationships) await relationship.close();
    await this.volume.close();
  }

  static #devices({ disks, host, wrappers }: PrimaryServerOptions): Device[] {
    return disks.map((disk) => wrappers.primaryDevice(disk.open(host)));
  }
}

function volumeOptions({ host, volume }: PrimaryServerOptions): VolumeOptions {
  return { name: 'primary', clock: host, cacheBytes: 256 << 10, poolBytes: 2 << 20, ...volume };
}

export interface MirrorServerOptions {
  host: Host;
  /** Where it listens. */
  address: string;
  disks: readonly SimulatedDisk[];
  network: SimulatedNetwork;
  wrappers: Wrappers;
  onCrash: (fault: unknown) => void;
}

/** One life of a mirror. */
export class MirrorServer extends Server {
  readonly volume: MirrorVolume;
  readonly service: MirrorService;

  private constructor({ host, address, network, wrappers, onCrash }: MirrorServerOptions, volume: MirrorVolume) {
    super(host);
    this.volume = volume;
    this.service = new MirrorService({
      volume: wrappers.mirrorVolume(volume),
      clock: host,
      serverId: new Uint8Array(16).fill(2),
      serverName: 'mirror',
      packing: immediatePacking,
      heartbeatIntervalMs,
      silenceMaxMs,
    });
    network.listen(address, host, (link: Link) => {
      this.service.accept(link).catch(onCrash);
    });
  }

  static async create(options: MirrorServerOptions, random: SeededRandom): Promise<MirrorServer> {
    const set = await DeviceSet.create(MirrorServer.#devices(options), {
      volumeId: new Uint8Array(16),
      setId: random.bytes(16),
      blockSizeBytes: 4096,
      journalBytes: 64 << 10,
      random,
    });
    return new MirrorServer(options, await MirrorVolume.create(set, { name: 'mirror', cacheBytes: 256 << 10 }));
  }

  /** With a name, the devices may be a primary's still: then it steps down. */
  static async open(options: MirrorServerOptions, random: SeededRandom, setAsideName?: string): Promise<MirrorServer> {
    const set = await DeviceSet.open(MirrorServer.#devices(options), { random });
    const mirrorOptions = { name: 'mirror', cacheBytes: 256 << 10 };
    const volume = setAsideName === undefined ? MirrorVolume.open(set, mirrorOptions) : MirrorVolume.stepDown(set, { ...mirrorOptions, setAsideName });
    return new MirrorServer(options, await volume);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.service.close();
    await this.volume.close();
  }

  static #devices({ disks, host, wrappers }: MirrorServerOptions): Device[] {
    return disks.map((disk) => wrappers.mirrorDevice(disk.open(host)));
  }
}
