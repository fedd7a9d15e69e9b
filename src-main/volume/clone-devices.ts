import { MirrorpointError, type RandomSource } from '../base/index.ts';
import { RootRing } from '../consistency/index.ts';
import { type Device, MemoryDevice, OverlayDevice, rootAreaBytes, type VolumeDevices } from '../device/index.ts';
import { encodeRootNode } from '../format/index.ts';
import type { CloneGround } from './clone-ground.ts';
import { journalBytesFor } from './journal-size.ts';

/**
 * The devices of a clone: blocks over those of its ground, root areas and journal
 * in memory. What they hold is a mirror's copy of the ground's root, under ids of
 * its own, so that nobody takes one for the other.
 *
 * A clone never reads a block that was free in the ground's root before it has
 * written it: it reads what pointers lead to, and those are the root's or lead
 * to blocks written whole by itself. So it does not matter what becomes of such
 * places underneath.
 */
export class CloneDevices implements VolumeDevices {
  readonly name: string;
  readonly volumeId: Uint8Array;
  readonly setId: Uint8Array;
  readonly blockSizeBytes: number;
  readonly blockCount: number;
  readonly data: Device;
  readonly journal: Device;
  readonly rootAreas: readonly [Device, Device];
  readonly #ground: CloneGround;
  #closing: Promise<void> | undefined;

  private constructor(ground: CloneGround, options: { name: string; scratch: Device; random: RandomSource }) {
    const { name, scratch, random } = options;
    const { blockSizeBytes, blockCount } = ground.root;
    const sizeBytes = blockCount * blockSizeBytes;
    this.name = name;
    this.volumeId = random.bytes(16);
    this.setId = random.bytes(16);
    this.blockSizeBytes = blockSizeBytes;
    this.blockCount = blockCount;
    this.data = new OverlayDevice({ name: `data of ${name}`, below: ground.data, above: scratch, sizeBytes, unitBytes: blockSizeBytes });
    this.journal = new MemoryDevice({ name: `journal of ${name}`, sizeBytes: journalBytesFor(sizeBytes) });
    this.rootAreas = [
      new MemoryDevice({ name: `root area A of ${name}`, sizeBytes: rootAreaBytes }),
      new MemoryDevice({ name: `root area B of ${name}`, sizeBytes: rootAreaBytes }),
    ];
    this.#ground = ground;
  }

  /** Lays a clone's devices over a ground; from then on they close the scratch device and leave the ground. Throws `device-too-small`. */
  static async over(ground: CloneGround, options: { name: string; scratch: Device; random: RandomSource }): Promise<CloneDevices> {
    const { scratch, name } = options;
    const { root } = ground;
    const neededBytes = root.blockCount * root.blockSizeBytes;
    if (scratch.sizeBytes < neededBytes) {
      throw new MirrorpointError(
        'device-too-small',
        `${scratch.name} has ${scratch.sizeBytes} bytes, and the clone ${name} needs ${neededBytes}: as many as its volume has. ` +
          'Give a larger one; a sparse image takes only the room of what is written.',
      );
    }
    const devices = new CloneDevices(ground, options);
    const bytes = encodeRootNode({ ...root, volumeId: devices.volumeId });
    await new RootRing(devices.rootAreas, devices.volumeId).write(root.cp, bytes);
    return devices;
  }

  /** Nothing of a clone has to survive. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  grow(): Promise<void> {
    return Promise.reject(
      new MirrorpointError('unsupported', `${this.name} is a clone and keeps the size of what it was made of. Grow the volume, and make another clone.`),
    );
  }

  /** A clone has none. */
  mendLabels(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.data.close();
    } finally {
      await this.#ground.leave();
    }
  }
}
