import type { Device } from './device.ts';

/** What a volume stands on: one space of blocks, and the regions beside it. A device set is this, and what a clone is made over. */
export interface VolumeDevices {
  /** What messages call it. */
  readonly name: string;
  /** 16 bytes each. */
  readonly volumeId: Uint8Array;
  readonly setId: Uint8Array;
  readonly blockSizeBytes: number;
  /** The size of the space of VBNs. */
  readonly blockCount: number;
  /** Block v lies at byte v × block size. */
  readonly data: Device;
  readonly journal: Device;
  readonly rootAreas: readonly [Device, Device];
  /** Makes every completed write to any region durable. */
  flush(): Promise<void>;
  /** Adds a device, or takes in the room that the devices gained since. */
  grow(device?: Device): Promise<void>;
  /** Writes what describes the devices anew where it is not as it should be; resolves to how many copies those were. */
  mendLabels(): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}
