import { isFault } from '../base/index.ts';
import type { RootNode } from '../format/index.ts';
import { BlockFile, type BlockFileContext } from '../tree/index.ts';

/**
 * The free map of a root, read page by page: which blocks anything that the root
 * knows of needs. Where a page is lost, each of its blocks may be one of them.
 */
export class UsedBlocks {
  readonly pageBlocks: number;
  readonly #context: BlockFileContext;
  readonly #map: BlockFile;
  readonly #blockCount: number;
  #page: { readonly number: number; readonly bits: Uint8Array | undefined } | undefined;

  constructor(context: BlockFileContext, root: RootNode) {
    const { geometry, cache } = context;
    this.#context = { geometry, cache };
    this.#map = new BlockFile(this.#context, root.files.freeMap);
    this.#blockCount = root.blockCount;
    this.pageBlocks = geometry.blockSizeBytes * 8;
  }

  async has(vbn: number): Promise<boolean> {
    if (vbn >= this.#blockCount) return false;
    const bits = await this.page(Math.floor(vbn / this.pageBlocks));
    return bits !== undefined && isSet(bits, vbn % this.pageBlocks);
  }

  /** The bits of one page, a copy; undefined where none is set. */
  async page(number: number): Promise<Uint8Array | undefined> {
    if (this.#page?.number === number) return this.#page.bits;
    const bits =
      number * this.pageBlocks >= this.#blockCount
        ? undefined
        : await this.#context.cache.run(() => this.#map.read(number)?.slice()).catch((fault: unknown) => this.#allOf(fault));
    this.#page = { number, bits };
    return bits;
  }

  #allOf(fault: unknown): Uint8Array {
    if (!isFault(fault, 'checksum-mismatch') && !isFault(fault, 'device-io')) throw fault;
    return new Uint8Array(this.pageBlocks / 8).fill(0xff);
  }
}

export function isSet(bits: Uint8Array, bit: number): boolean {
  return (bits[bit >> 3]! & (1 << (bit & 7))) !== 0;
}
