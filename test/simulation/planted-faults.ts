import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { type Device, type DeviceSet, totalBytes } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf } from '../../src-main/format/index.ts';
import type { MirroredVolume } from '../../src-main/replication/index.ts';
import type { MirrorNeeds } from '../../src-main/snapshots/index.ts';
import { BlockFile } from '../../src-main/tree/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';

/** Passes everything on; a planted fault overrides what it spoils. */
class Passing implements Device {
  protected readonly device: Device;

  constructor(device: Device) {
    this.device = device;
  }

  get name(): string {
    return this.device.name;
  }

  get sizeBytes(): number {
    return this.device.sizeBytes;
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.device.read(offsetBytes, buffers);
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.device.write(offsetBytes, buffers);
  }

  flush(): Promise<void> {
    return this.device.flush();
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.device.discard(offsetBytes, lengthBytes);
  }

  close(): Promise<void> {
    return this.device.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Says that it has flushed, and has not, when only writes of one kind wait. */
export class LyingFlush extends Passing {
  readonly #isSpoilt: (offsetBytes: number) => boolean;
  #waiting: number[] = [];

  constructor(device: Device, isSpoilt: (offsetBytes: number) => boolean) {
    super(device);
    this.#isSpoilt = isSpoilt;
  }

  override write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    this.#waiting.push(offsetBytes);
    return super.write(offsetBytes, buffers);
  }

  override async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0 && waiting.every(this.#isSpoilt)) return;
    await super.flush();
  }
}

/** Does something else instead of every Nth write of one kind. */
export class SpoiltWrites extends Passing {
  readonly #isSpoilt: (offsetBytes: number) => boolean;
  readonly #everyNth: number;
  readonly #how: 'lost' | 'bit flipped';
  #count = 0;

  constructor(device: Device, plan: { isSpoilt: (offsetBytes: number) => boolean; everyNth: number; how: 'lost' | 'bit flipped' }) {
    super(device);
    this.#isSpoilt = plan.isSpoilt;
    this.#everyNth = plan.everyNth;
    this.#how = plan.how;
  }

  override async write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    if (!this.#isSpoilt(offsetBytes) || ++this.#count % this.#everyNth !== 0) return super.write(offsetBytes, buffers);
    if (this.#how === 'lost') return;
    const bytes = new Uint8Array(Buffer.concat(buffers));
    bytes[this.#count % totalBytes(buffers)]! ^= 4;
    await super.write(offsetBytes, [bytes]);
  }
}

/** Writes over given places just before its next write, once told to. */
export class EarlyReuse extends Passing {
  #offsets: readonly number[] = [];

  reuse(offsetsBytes: readonly number[]): void {
    this.#offsets = offsetsBytes;
  }

  override async write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const offsets = this.#offsets;
    this.#offsets = [];
    for (const offset of offsets) await super.write(offset, [new Uint8Array(4096).fill(0xee)]);
    await super.write(offsetBytes, buffers);
  }
}

/** Reads of one kind give nothing but zeros. */
export class BlindReads extends Passing {
  readonly #isSpoilt: (offsetBytes: number) => boolean;

  constructor(device: Device, isSpoilt: (offsetBytes: number) => boolean) {
    super(device);
    this.#isSpoilt = isSpoilt;
  }

  override async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    await super.read(offsetBytes, buffers);
    if (this.#isSpoilt(offsetBytes)) for (const buffer of buffers) buffer.fill(0);
  }
}

/** Gives up one block too many with each discard: the one behind it. */
export class WideDiscard extends Passing {
  override discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    const endBytes = Math.min(this.sizeBytes, offsetBytes + lengthBytes + 4096);
    return super.discard(offsetBytes, endBytes - offsetBytes);
  }
}

/** A volume or mirror volume of which some members are others. */
export function altered<T extends object>(volume: T, members: Partial<T>): T {
  return new Proxy(volume, {
    get(target, key) {
      if (key in members) return members[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A primary's volume that hears something else than what its mirrors need. */
export function mishearing(volume: Volume, hear: (needs: MirrorNeeds) => MirrorNeeds | 'unknown'): MirroredVolume {
  const setMirrorNeeds: MirroredVolume['setMirrorNeeds'] = (relationship, needs) => {
    volume.setMirrorNeeds(relationship, needs === undefined || needs === 'unknown' ? needs : hear(needs));
  };
  return altered<MirroredVolume>(volume, { setMirrorNeeds });
}

/** Blocks in use by one root and free by the next. */
export async function freedBetween(set: DeviceSet, before: Uint8Array, after: Uint8Array): Promise<number[]> {
  return blocksWhere(set, [before, after], ([wasUsed, isUsed]) => wasUsed! && !isUsed!);
}

/** Blocks in use by both of two roots. */
export async function sharedBy(set: DeviceSet, one: Uint8Array, other: Uint8Array): Promise<number[]> {
  return blocksWhere(set, [one, other], (used) => used.every(Boolean));
}

async function blocksWhere(set: DeviceSet, roots: readonly Uint8Array[], isMeant: (used: readonly boolean[]) => boolean): Promise<number[]> {
  const cache = new BlockCache(new BlockStore(set.data, set.blockSizeBytes), { capacityBytes: 256 << 10 });
  const context = { geometry: geometryOf(set.blockSizeBytes), cache };
  const bits = (root: Uint8Array): Promise<Uint8Array> => {
    const file = new BlockFile(context, decodeRootNode(root).files.freeMap);
    return cache.run(() => file.read(0)!.slice());
  };
  const maps: Uint8Array[] = [];
  for (const root of roots) maps.push(await bits(root));
  const found: number[] = [];
  for (let vbn = 0; vbn < set.blockCount; vbn++) {
    if (isMeant(maps.map((map) => (map[vbn >> 3]! & (1 << (vbn & 7))) !== 0))) found.push(vbn);
  }
  return found;
}
