import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { type Device, type DeviceSet, totalBytes } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf } from '../../src-main/format/index.ts';
import { BlockFile } from '../../src-main/tree/index.ts';

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

/** Blocks in use by one root and free by the next. */
export async function freedBetween(set: DeviceSet, before: Uint8Array, after: Uint8Array): Promise<number[]> {
  const cache = new BlockCache(new BlockStore(set.data, set.blockSizeBytes), { capacityBytes: 256 << 10 });
  const context = { geometry: geometryOf(set.blockSizeBytes), cache };
  const bits = (root: Uint8Array): Promise<Uint8Array> => {
    const file = new BlockFile(context, decodeRootNode(root).files.freeMap);
    return cache.run(() => file.read(0)!.slice());
  };
  const old = await bits(before);
  const now = await bits(after);
  const freed: number[] = [];
  for (let vbn = 0; vbn < set.blockCount; vbn++) {
    const mask = 1 << (vbn & 7);
    if ((old[vbn >> 3]! & mask) !== 0 && (now[vbn >> 3]! & mask) === 0) freed.push(vbn);
  }
  return freed;
}
