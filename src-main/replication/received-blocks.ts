import { receivedBlocksMax } from './limits.ts';

const slotsMin = 1024;

/**
 * What arrived of one live CP: VBN to checksum, in open addressing over typed
 * arrays, since there may be a million. When it is full it forgets what comes
 * after; forgetting costs a read of the device, never correctness. The bytes of
 * some are at hand as well, for whoever enters them when they are proven.
 */
export class ReceivedBlocks {
  readonly cp: number;
  /** The memory that the bytes at hand lie in. */
  readonly buffers: Uint8Array[] = [];
  readonly #limit: number;
  /** VBN + 1; 0 is an empty slot. */
  #vbns = new Float64Array(slotsMin);
  #checksums = new BigUint64Array(slotsMin);
  readonly #bytes = new Map<number, Uint8Array>();
  #count = 0;

  constructor(cp: number, limit = receivedBlocksMax) {
    this.cp = cp;
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Notes a block, and its bytes if they stay as they are. */
  add(vbn: number, checksum: bigint, bytes?: Uint8Array): void {
    if (bytes !== undefined) this.#bytes.set(vbn, bytes);
    else if (this.#bytes.size > 0) this.#bytes.delete(vbn);
    let slot = this.#slotOf(vbn);
    if (this.#vbns[slot] === 0) {
      if (this.#count >= this.#limit) return;
      if (this.#count * 2 >= this.#vbns.length) {
        this.#grow();
        slot = this.#slotOf(vbn);
      }
      this.#count++;
    }
    this.#vbns[slot] = vbn + 1;
    this.#checksums[slot] = checksum;
  }

  /** The bytes of the last block that came for a VBN, if they are at hand. They are what `has` was told the checksum of. */
  bytesOf(vbn: number): Uint8Array | undefined {
    return this.#bytes.get(vbn);
  }

  has(vbn: number, checksum: bigint): boolean {
    const slot = this.#slotOf(vbn);
    return this.#vbns[slot] !== 0 && this.#checksums[slot] === checksum;
  }

  /** Where the VBN stands, or the empty slot that it would take. */
  #slotOf(vbn: number): number {
    const mask = this.#vbns.length - 1;
    const folded = (vbn >>> 0) ^ Math.floor(vbn / 0x1_0000_0000);
    let slot = (Math.imul(folded, 0x9e37_79b1) >>> 8) & mask;
    while (this.#vbns[slot] !== 0 && this.#vbns[slot] !== vbn + 1) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const vbns = this.#vbns;
    const checksums = this.#checksums;
    this.#vbns = new Float64Array(vbns.length * 2);
    this.#checksums = new BigUint64Array(vbns.length * 2);
    for (let index = 0; index < vbns.length; index++) {
      if (vbns[index] === 0) continue;
      const slot = this.#slotOf(vbns[index]! - 1);
      this.#vbns[slot] = vbns[index]!;
      this.#checksums[slot] = checksums[index]!;
    }
  }
}
