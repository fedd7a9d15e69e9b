import { BlockCache, BlockStore } from '../blocks/index.ts';
import type { Device } from '../device/index.ts';
import { type Geometry, geometryOf } from '../format/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import { BlockNumbers } from './block-numbers.ts';
import { DisplacedDevice } from './displaced-device.ts';
import type { Displacement, DisplacementLog, PreservedMark } from './displacement-log.ts';
import { UsedBlocks } from './used-blocks.ts';

/** A volume's blocks as one line of roots has them: the devices, seen past what was displaced, and a cache of its own. */
export class BlockSpace {
  readonly device: DisplacedDevice;
  readonly store: BlockStore;
  readonly cache: BlockCache;
  readonly geometry: Geometry;

  constructor(data: Device, options: { blockSizeBytes: number; cacheBytes: number }) {
    this.device = new DisplacedDevice(data, options.blockSizeBytes);
    this.store = new BlockStore(this.device, options.blockSizeBytes);
    this.cache = new BlockCache(this.store, { capacityBytes: options.cacheBytes });
    this.geometry = geometryOf(options.blockSizeBytes);
  }

  get context(): BlockFileContext {
    return { geometry: this.geometry, cache: this.cache };
  }
}

/** A root whose blocks stay readable whatever is written over their places. */
export class PreservedRoot {
  readonly space: BlockSpace;
  readonly mark: PreservedMark;
  readonly used: UsedBlocks;
  /** Whose block stands at a place. */
  readonly owners = new BlockNumbers();
  readonly #log: DisplacementLog;

  constructor(log: DisplacementLog, space: BlockSpace, displacements: readonly Displacement[]) {
    this.#log = log;
    this.mark = log.mark;
    this.space = space;
    this.used = new UsedBlocks(space.context, log.mark.root);
    for (const displacement of displacements) this.#enter(displacement);
  }

  /** Where displaced blocks stand. */
  get places(): BlockNumbers {
    return this.space.device.places;
  }

  /** Notes that blocks, which were copied and flushed, have a new place. Once it resolves the old ones may be written over. */
  async moved(displacements: readonly Displacement[]): Promise<void> {
    await this.#log.append(displacements, () => joined([...withThese(this.places, displacements)]));
    for (const displacement of displacements) this.#enter(displacement);
    await this.space.device.drainReads();
  }

  /** Gives up preserving; readers must have ended. */
  erase(): Promise<void> {
    return this.#log.erase();
  }

  #enter({ vbn, place, count }: Displacement): void {
    for (let index = 0; index < count; index++) {
      const before = this.places.get(vbn + index);
      if (before !== undefined) this.owners.delete(before);
      this.places.set(vbn + index, place + index);
      this.owners.set(place + index, vbn + index);
    }
  }
}

/** Single displacements in rising order as runs. */
export function joined(pairs: readonly (readonly [vbn: number, place: number])[]): Displacement[] {
  const runs: { vbn: number; place: number; count: number }[] = [];
  for (const [vbn, place] of pairs) {
    const last = runs.at(-1);
    if (last !== undefined && last.vbn + last.count === vbn && last.place + last.count === place) last.count++;
    else runs.push({ vbn, place, count: 1 });
  }
  return runs;
}

function withThese(places: BlockNumbers, displacements: readonly Displacement[]): Map<number, number> {
  const all = new Map<number, number>(places.entries());
  for (const { vbn, place, count } of displacements) {
    for (let index = 0; index < count; index++) all.set(vbn + index, place + index);
  }
  return new Map([...all].sort(([a], [b]) => a - b));
}
