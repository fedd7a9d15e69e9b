import { SeededRandom, systemClock } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { Volume, type VolumeOptions } from '../../src-main/volume/index.ts';

/** A volume on memory devices, which can be opened again after a close or a crash. */
export class MemoryHome {
  readonly random: SeededRandom;
  devices: MemoryDevice[];
  readonly #options: Partial<VolumeOptions>;

  constructor(options: { sizeBytes?: number; seed?: number; volume?: Partial<VolumeOptions> } = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.devices = [new MemoryDevice({ sizeBytes: options.sizeBytes ?? 64 << 20 })];
    this.#options = options.volume ?? {};
  }

  get volumeOptions(): VolumeOptions {
    return {
      name: 'test',
      clock: systemClock,
      random: this.random,
      cpIntervalMs: 0,
      poolBytes: 32 << 20,
      cacheBytes: 4 << 20,
      ...this.#options,
    };
  }

  async create(blockSizeBytes = 4096): Promise<Volume> {
    const set = await DeviceSet.create(this.devices, {
      volumeId: this.random.bytes(16),
      setId: this.random.bytes(16),
      blockSizeBytes,
      journalBytes: 1 << 20,
      random: this.random,
    });
    return Volume.create(set, this.volumeOptions);
  }

  async open(): Promise<Volume> {
    this.devices = this.devices.map((device) => device.reopen());
    return Volume.open(await DeviceSet.open(this.devices), this.volumeOptions);
  }
}
