import { isFault } from '../base/index.ts';
import type { Device } from './device.ts';

/** What a device has failed to do since its set was opened. */
export interface DeviceErrors {
  /** The device's name. */
  readonly device: string;
  readonly reads: number;
  readonly writes: number;
  readonly flushes: number;
}

type Operation = 'reads' | 'writes' | 'flushes';

/** Counts the operations that devices have refused, and tells of each. */
export class DeviceErrorCounts {
  /** By name: a device may be known here by a stand-in. */
  readonly #counts = new Map<string, Record<Operation, number>>();
  readonly #listeners = new Set<(device: string) => void>();

  /** Passes the operation's end on, and counts it when the device failed. */
  async watch(device: Device, operation: Operation, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (fault) {
      if (isFault(fault, 'device-io') || isFault(fault, 'device-full')) this.#note(device, operation);
      throw fault;
    }
  }

  of(devices: readonly Device[]): DeviceErrors[] {
    return devices.map((device) => ({ device: device.name, reads: 0, writes: 0, flushes: 0, ...this.#counts.get(device.name) }));
  }

  /** Calls the listener with the device's name at each error; the result ends that. */
  onError(listener: (device: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #note(device: Device, operation: Operation): void {
    const counts = this.#counts.get(device.name) ?? { reads: 0, writes: 0, flushes: 0 };
    counts[operation]++;
    this.#counts.set(device.name, counts);
    for (const listener of this.#listeners) listener(device.name);
  }
}
