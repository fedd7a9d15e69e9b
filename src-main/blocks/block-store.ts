import { checksumOf, MirrorpointError } from '../base/index.ts';
import type { Device } from '../device/index.ts';
import { pointerBirth, pointerBytes, pointerChecksum } from '../format/index.ts';
import type { PointerList } from './pointer-list.ts';

/** Blocks in one read or write call: 1 MiB of 4 KiB blocks. */
export const runBlocksMax = 256;

/** Calls to the device that one batch keeps in flight. */
const callsInFlightMax = 16;

/** Blocks between two wanted ones of a long list that are read along: that costs less than another call. */
const gapBlocksMax = 8;
const longListMin = 256;

/**
 * Another place to get a block from when the devices do not give it. Fills the
 * target with the block of the pointer at the offset, and resolves to whether it
 * could; what it gives is proven by whoever asked.
 */
export type SecondSource = (pointer: Uint8Array, offset: number, target: Uint8Array) => Promise<boolean>;

/** Block reads and writes by VBN on a device, in long runs. Nothing is cached here. */
export class BlockStore {
  readonly blockSizeBytes: number;
  readonly #device: Device;
  /** Where blocks go that were only read along. */
  readonly #unwanted: Uint8Array;
  readonly #secondSources: SecondSource[] = [];

  constructor(device: Device, blockSizeBytes: number) {
    this.#device = device;
    this.blockSizeBytes = blockSizeBytes;
    this.#unwanted = new Uint8Array(blockSizeBytes);
  }

  get name(): string {
    return this.#device.name;
  }

  /** Fills the buffers, one block each, from consecutive VBNs. Contents are not proven. `volume-damaged` beyond the last VBN. */
  async readRun(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    if ((vbn + buffers.length) * this.blockSizeBytes > this.#device.sizeBytes) {
      throw new MirrorpointError(
        'volume-damaged',
        `Something points to block ${vbn + buffers.length - 1} of ${this.name}, beyond its end. ` +
          'Run `mirrorpoint volume check` to see what is hit.',
      );
    }
    await this.#device.read(vbn * this.blockSizeBytes, buffers);
  }

  /** Writes the buffers, one or more blocks each, to consecutive VBNs. They must not change until it resolves. */
  writeRun(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#device.write(vbn * this.blockSizeBytes, buffers);
  }

  /** From now on `readProven` asks this source too, after those added before; the result ends that. */
  addSecondSource(source: SecondSource): () => void {
    this.#secondSources.push(source);
    return () => {
      const index = this.#secondSources.indexOf(source);
      if (index >= 0) this.#secondSources.splice(index, 1);
    };
  }

  /**
   * Reads the block of each pointer into the buffer at the same position and
   * proves it by its checksum. What the devices do not give is got from the
   * second sources. Throws the fault of the first block that nobody has
   * (`checksum-mismatch`, `device-io`), after all reads have ended.
   */
  async readProven(pointers: PointerList, targets: readonly Uint8Array[]): Promise<void> {
    const faults = await this.readTolerant(pointers, targets);
    const lost = await Promise.all(
      [...faults].map(async ([position, fault]) => ((await this.readElsewhere(pointers, position, targets[position]!)) ? undefined : fault)),
    );
    const first = lost.find((fault) => fault !== undefined);
    if (first !== undefined) throw first;
  }

  /** As `readProven`, but goes on: returns the fault of each position that could not be read or is not what it should be. */
  async readTolerant(pointers: PointerList, targets: readonly Uint8Array[]): Promise<Map<number, MirrorpointError>> {
    const faults = new Map<number, MirrorpointError>();
    await this.#readRuns(pointers, targets, async (positions, fault) => {
      if (!(fault instanceof MirrorpointError)) throw fault;
      for (const position of positions) {
        if (positions.length === 1) faults.set(position, fault);
        else
          await this.readRun(pointers.vbn(position), [targets[position]!]).catch((single: unknown) => {
            if (!(single instanceof MirrorpointError)) throw single;
            faults.set(position, single);
          });
      }
    });
    for (let position = 0; position < pointers.count; position++) {
      if (faults.has(position) || isProven(pointers, position, targets[position]!)) continue;
      faults.set(position, this.#wrongBytes(pointers, position));
    }
    return faults;
  }

  /** Asks the second sources for the block of one pointer; resolves to whether the target holds it now, proven. */
  async readElsewhere(pointers: PointerList, position: number, target: Uint8Array): Promise<boolean> {
    for (const source of [...this.#secondSources]) {
      const isThere = await source(pointers.bytes, position * pointerBytes, target);
      if (isThere && isProven(pointers, position, target)) return true;
    }
    return false;
  }

  #wrongBytes(pointers: PointerList, position: number): MirrorpointError {
    return new MirrorpointError(
      'checksum-mismatch',
      `Block ${pointers.vbn(position)} of ${this.name}, born in CP ${pointerBirth(pointers.bytes, position * pointerBytes)}, ` +
        'does not hold the bytes that were written there. ' +
        'Run `mirrorpoint volume check` to see which files are hit, and restore them from the other side.',
    );
  }

  /** Reads in the order of VBNs, what is near to each other in one call, some calls at a time. */
  async #readRuns(
    pointers: PointerList,
    targets: readonly Uint8Array[],
    onFault: (positions: Uint32Array, fault: unknown) => Promise<void> | void,
  ): Promise<void> {
    const order = pointers.orderByVbn();
    const gapMax = order.length >= longListMin ? gapBlocksMax : 0;
    const inFlight = new Set<Promise<void>>();
    for (let start = 0, end = 0; start < order.length; start = end) {
      const firstVbn = pointers.vbn(order[start]!);
      const buffers: Uint8Array[] = [];
      for (; end < order.length; end++) {
        const index = pointers.vbn(order[end]!) - firstVbn;
        // A block that is wanted twice goes into another call.
        if (index < buffers.length || index > buffers.length + gapMax || index >= runBlocksMax) break;
        while (buffers.length < index) buffers.push(this.#unwanted);
        buffers.push(targets[order[end]!]!);
      }
      const positions = order.subarray(start, end);
      const call: Promise<void> = this.readRun(firstVbn, buffers)
        .catch((fault: unknown) => onFault(positions, fault))
        .finally(() => inFlight.delete(call));
      inFlight.add(call);
      if (inFlight.size >= callsInFlightMax) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  }
}

function isProven(pointers: PointerList, position: number, bytes: Uint8Array): boolean {
  return checksumOf(bytes) === pointerChecksum(pointers.bytes, position * pointerBytes);
}
