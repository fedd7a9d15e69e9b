import { assert, MirrorpointError } from '../base/index.ts';
import { decodeInode, emptyInode, inodeBytes, type InodeFields } from '../format/index.ts';
import { BlockFile, type BlockFileContext } from '../tree/index.ts';
import { Inode, type InodeSource } from './inode.ts';

/** Inodes that a reader of a kept root holds decoded. */
const decodedMax = 4096;

/** Decodes the inode with the given number out of an inode file. Unused numbers come back as `free`. */
export function readInode(context: BlockFileContext, inodeFile: BlockFile, number: number): InodeFields {
  const { inodesPerBlock } = context.geometry;
  const block = inodeFile.read(Math.floor(number / inodesPerBlock));
  return block === null ? emptyInode('free') : decodeInode(block, (number % inodesPerBlock) * inodeBytes);
}

/** Notes the blocks that `readInode` needs and that are not resident. Neighbours, which are mostly in one block, cost one look. */
export function prefetchInodes(context: BlockFileContext, inodeFile: BlockFile, numbers: Iterable<number>): void {
  let last = -1;
  for (const number of numbers) {
    const block = Math.floor(number / context.geometry.inodesPerBlock);
    if (block !== last) inodeFile.prefetch(block);
    last = block;
  }
}

/** Throws the fault for an inode number that is not in use. */
export function noSuchInode(number: number): never {
  throw new MirrorpointError('not-found', `There is no file with inode number ${number} here; it may have been removed.`);
}

/** The inodes of a kept root: a snapshot, or the mirror's last CP. Read-only. */
export class InodeReader implements InodeSource {
  readonly file: BlockFile;
  readonly #context: BlockFileContext;
  readonly #decoded = new Map<number, Inode>();

  constructor(context: BlockFileContext, inodeFileFields: InodeFields) {
    this.#context = { geometry: context.geometry, cache: context.cache };
    this.file = new BlockFile(this.#context, inodeFileFields);
  }

  get(number: number): Inode {
    return this.find(number) ?? noSuchInode(number);
  }

  find(number: number): Inode | undefined {
    assert(number > 0, 'inode numbers start at 1');
    const known = this.#decoded.get(number);
    if (known !== undefined) return known;
    const fields = readInode(this.#context, this.file, number);
    if (fields.kind === 'free') return undefined;
    const inode = new Inode(number, fields, new BlockFile(this.#context, fields));
    if (this.#decoded.size >= decodedMax) this.#decoded.clear();
    this.#decoded.set(number, inode);
    return inode;
  }

  prefetch(numbers: Iterable<number>): void {
    prefetchInodes(this.#context, this.file, numbers);
  }

  firstWaiting(): undefined {
    return undefined;
  }
}
