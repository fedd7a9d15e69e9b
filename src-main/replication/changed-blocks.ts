import { checksumOf, isFault } from '../base/index.ts';
import type { MirrorVolume } from '../volume/index.ts';
import { type BlockChange, blockDataBytesMax, rangesOf } from '../wire/index.ts';
import type { BlockIntake } from './block-intake.ts';
import { buffersAtHandMax } from './limits.ts';
import type { ReceivedBlocks } from './received-blocks.ts';

/** A block to be made, and the room for it, which holds what it replaces, or zeros, first. */
interface Making {
  readonly change: BlockChange;
  readonly bytes: Uint8Array;
}

/**
 * Makes live blocks of what changed in them and of the mirror's own copies of
 * the blocks that they replace. A copy that is not what it should be makes a
 * wrong block, at a place that nothing references: like any live block it is
 * proven when its parent is known, and then asked for whole.
 */
export class ChangedBlocks {
  readonly #volume: MirrorVolume;
  readonly #intake: BlockIntake;
  /** Memory for the next parts: new memory costs more than all else that is done here. */
  readonly #spare: Uint8Array[] = [];

  constructor(volume: MirrorVolume, intake: BlockIntake) {
    this.#volume = volume;
    this.#intake = intake;
  }

  /** Takes back the memory of a CP's blocks, which have been written, and which nobody reads any more. */
  giveBack(received: ReceivedBlocks): void {
    this.#spare.push(...received.buffers);
    this.#spare.splice(buffersAtHandMax);
  }

  /** Resolves when the blocks have been made and are on their way to the devices, and there is room for more. */
  async take(changes: readonly BlockChange[], received: ReceivedBlocks): Promise<void> {
    for (let start = 0; start < changes.length; start += this.#partBlocks) {
      await this.#makePart(changes.slice(start, start + this.#partBlocks), received);
      await this.#intake.room();
    }
  }

  get #partBlocks(): number {
    return Math.floor(blockDataBytesMax / this.#volume.blockSizeBytes);
  }

  async #makePart(changes: readonly BlockChange[], received: ReceivedBlocks): Promise<void> {
    const { blockSizeBytes } = this.#volume;
    const buffer = this.#spare.pop() ?? new Uint8Array(this.#partBlocks * blockSizeBytes);
    const isAtHand = received.buffers.length < buffersAtHandMax;
    if (isAtHand) received.buffers.push(buffer);
    const makings = changes.map((change, index) => ({
      change,
      bytes: buffer.subarray(index * blockSizeBytes, (index + 1) * blockSizeBytes),
    }));
    await this.#readReplaced(makings);
    for (const { change, bytes } of makings) {
      for (const range of rangesOf(change.patch, blockSizeBytes) ?? []) bytes.set(range.bytes, range.offset);
      received.add(change.vbn, checksumOf(bytes), isAtHand ? bytes : undefined);
    }
    const writes: Promise<void>[] = [];
    for (let start = 0; start < changes.length; ) {
      const { vbn } = changes[start]!;
      let end = start + 1;
      while (changes[end]?.vbn === vbn + (end - start)) end++;
      writes.push(this.#intake.write(vbn, buffer.subarray(start * blockSizeBytes, end * blockSizeBytes)));
      start = end;
    }
    if (!isAtHand) void Promise.all(writes).then(() => this.#spare.push(buffer));
  }

  async #readReplaced(makings: readonly Making[]): Promise<void> {
    const { cache, blockCount } = this.#volume;
    const wanted: Making[] = [];
    for (const making of makings) {
      const { replacedVbn, replacedBirthCp } = making.change;
      if (replacedBirthCp === 0) {
        making.bytes.fill(0);
        continue;
      }
      const resident = cache.peek({ vbn: replacedVbn, birthCp: replacedBirthCp });
      if (resident !== undefined) making.bytes.set(resident);
      else if (replacedVbn < blockCount) wanted.push(making);
    }
    wanted.sort((a, b) => a.change.replacedVbn - b.change.replacedVbn);
    const reads: Promise<void>[] = [];
    for (let start = 0; start < wanted.length; ) {
      const { replacedVbn } = wanted[start]!.change;
      let end = start + 1;
      while (wanted[end]?.change.replacedVbn === replacedVbn + (end - start)) end++;
      reads.push(this.#readRun(replacedVbn, wanted.slice(start, end)));
      start = end;
    }
    await Promise.all(reads);
  }

  async #readRun(vbn: number, makings: readonly Making[]): Promise<void> {
    try {
      await this.#volume.store.readRun(vbn, makings.map(({ bytes }) => bytes));
    } catch (fault) {
      // What cannot be read makes a wrong block, which is found out.
      if (!isFault(fault, 'device-io')) throw fault;
    }
  }
}
