import { assert, getU48BigEndian, isFault } from '../base/index.ts';
import { type BlockFile, damagedNode, KeyedFile } from '../tree/index.ts';
import { blocksOf } from './attributes.ts';
import { truncateContent } from './content-changing.ts';
import { orphansPerStep } from './costs.ts';
import { FileReader } from './file-reader.ts';
import type { Inode } from './inode.ts';
import type { InodeTable } from './inode-table.ts';
import type { Operation } from './operation.ts';
import { operationBytes } from './operation-codec.ts';
import { orphanKey } from './orphan-listing.ts';

/** Blocks that a file without a name may have to be freed at once; a larger one is taken apart CP by CP. */
const releaseBlocksMax = 65_536;

const noBytes = new Uint8Array(0);

/** What the live file system needs of its surroundings. */
export interface LiveFilesContext {
  readonly inodes: InodeTable;
  /** The list of files without a name that are not freed yet. */
  readonly orphans: BlockFile;
  /** Wall-clock time in nanoseconds since 1970 UTC. */
  readonly nowNs: () => bigint;
  /** Enters a read of the devices, during which found blocks are not written over; the result leaves it. */
  readonly enterRead: () => () => void;
  /** Called once for each change made, with the bytes that it takes when encoded. */
  readonly log: (operation: Operation, encodedBytes: number) => void;
}

/** What a replay takes from the record instead of deciding anew. */
export interface Recorded {
  readonly nowNs: bigint;
  readonly released: boolean;
}

/** How an inode's last name will go; everything that it needs has been read. */
export interface Drop {
  readonly released: boolean;
  readonly attributes: Inode | undefined;
}

/**
 * How long inodes live: open handles, and files that have lost their last name.
 * Such a file is freed at once, or, when it is open or very large, becomes an
 * orphan: it is freed at the last close, at a later CP, or after recovery.
 */
export class InodeLifetimes extends FileReader {
  protected readonly table: InodeTable;
  readonly #context: LiveFilesContext;
  readonly #orphans: KeyedFile;
  /** Set while a recorded operation is applied again; nothing is logged then. */
  protected recorded: Recorded | undefined;

  constructor(context: LiveFilesContext) {
    super({ blocks: context.inodes.context, enterRead: context.enterRead }, context.inodes);
    this.#context = context;
    this.table = context.inodes;
    this.#orphans = new KeyedFile(context.orphans);
  }

  /** Opens a handle: the inode outlives its last name until `close`. */
  open(ino: number): void {
    this.inode(ino).openCount++;
  }

  /** Closes a handle. With the last one of a file without a name, the file is freed. */
  close(ino: number): void {
    const inode = this.inode(ino);
    assert(inode.openCount > 0, `inode ${ino} is closed as often as it was opened`);
    const isReleased = inode.openCount === 1 && inode.fields.linkCount === 0 && blocksOf(inode) <= releaseBlocksMax;
    if (!isReleased) {
      inode.openCount--;
      return;
    }
    this.releaseOrphan(ino, () => inode.openCount--);
  }

  /** Files without a name that wait to be freed, open or not. */
  get orphanCount(): number {
    return this.#orphans.size;
  }

  /**
   * Frees orphans that nobody has open, `blocksMax` blocks and `filesMax` of them
   * at most, cutting a large one off at its end. Called before each CP; what it does is logged.
   * Returns the number of blocks freed.
   */
  reclaimOrphans(blocksMax: number, filesMax = orphansPerStep): number {
    const found: { inode: Inode; attributes: Inode | undefined }[] = [];
    const keys: Uint8Array[] = [];
    let left = blocksMax;
    this.#orphans.scan(undefined, (key) => {
      const inode = this.#orphan(getU48BigEndian(key, 0));
      if (inode.openCount > 0) return true;
      found.push({ inode, attributes: this.attributesHolder(inode) });
      keys.push(key.slice());
      left -= blocksOf(inode) + 1;
      return left > 0 && found.length < Math.min(filesMax, orphansPerStep);
    });
    if (found.length === 0) return 0;
    const last = found.at(-1)!;
    const shrunkBytes = left < 0 ? this.#shrunkSize(last.inode, left + blocksOf(last.inode)) : 0;
    this.#orphans.prepare(keys, 0);
    found.forEach(({ inode, attributes }, position) => {
      if (inode === last.inode && shrunkBytes > 0) {
        truncateContent(inode, shrunkBytes);
        this.table.changed(inode);
        this.logged({ kind: 'shrinkOrphan', ino: inode.number, sizeBytes: shrunkBytes });
        return;
      }
      this.#free(inode, attributes);
      this.#orphans.delete(keys[position]!);
      this.logged({ kind: 'release', ino: inode.number });
    });
    return blocksMax - Math.max(0, left);
  }

  /**
   * Copies what a file holds now, for the record of a write: zeros where it
   * holds nothing, or where the file itself is gone again. What a write wrote
   * waits in memory as long as its record is not superseded by a CP.
   */
  readCurrent(ino: number, offsetBytes: number, target: Uint8Array): void {
    target.fill(0);
    const inode = this.#fileIfThere(ino);
    if (inode === undefined) return;
    const { inlineContent, sizeBytes } = inode.fields;
    const endBytes = Math.min(offsetBytes + target.length, sizeBytes);
    if (offsetBytes >= endBytes) return;
    if (inlineContent !== null) {
      target.set(inlineContent.subarray(offsetBytes, endBytes));
      return;
    }
    const { blockSizeBytes } = inode.content;
    for (let at = offsetBytes; at < endBytes; ) {
      const within = at % blockSizeBytes;
      const length = Math.min(blockSizeBytes - within, endBytes - at);
      const block = inode.content.read((at - within) / blockSizeBytes);
      if (block !== null) target.set(block.subarray(within, within + length), at - offsetBytes);
      at += length;
    }
  }

  /** The time of a change made now. */
  protected now(): bigint {
    return this.recorded?.nowNs ?? this.#context.nowNs();
  }

  /** Notes a change that has been made. */
  protected logged(operation: Operation): void {
    if (this.recorded === undefined) this.#context.log(operation, operationBytes(operation));
  }

  /** Reads what the loss of an inode's last name needs, and decides what becomes of it. */
  protected planDrop(inode: Inode): Drop {
    const isFreed = inode.openCount === 0 && blocksOf(inode) <= releaseBlocksMax;
    const released = this.recorded?.released ?? isFreed;
    if (!released) this.#orphans.prepare([orphanKey(inode.number)], 1);
    return { released, attributes: this.attributesHolder(inode) };
  }

  /** Frees an inode without a name, or makes an orphan of it. */
  protected drop(inode: Inode, plan: Drop): void {
    inode.fields.linkCount = 0;
    this.table.changed(inode);
    if (plan.released) this.#free(inode, plan.attributes);
    else this.#orphans.set(orphanKey(inode.number), noBytes);
  }

  /** Frees an orphan. `beforeFreeing` runs when everything has been read. */
  protected releaseOrphan(ino: number, beforeFreeing: () => void = () => undefined): void {
    const inode = this.#orphan(ino);
    const attributes = this.attributesHolder(inode);
    const key = orphanKey(ino);
    if (this.#orphans.get(key) === undefined) damagedNode('a file without a name is not in the list of orphans');
    beforeFreeing();
    this.#orphans.delete(key);
    this.#free(inode, attributes);
    this.logged({ kind: 'release', ino });
  }

  /** Cuts an orphan off, as a CP did before. */
  protected shrinkOrphan(ino: number, sizeBytes: number): void {
    const inode = this.#orphan(ino);
    truncateContent(inode, sizeBytes);
    this.table.changed(inode);
    this.logged({ kind: 'shrinkOrphan', ino, sizeBytes });
  }

  #orphan(ino: number): Inode {
    const inode = this.inode(ino);
    if (inode.fields.linkCount !== 0) damagedNode('a file with a name is in the list of orphans');
    return inode;
  }

  #free(inode: Inode, attributes: Inode | undefined): void {
    if (attributes !== undefined) this.table.release(attributes);
    this.table.release(inode);
  }

  /** The size, in whole blocks, that leaves an even file about so many blocks smaller. */
  #shrunkSize(inode: Inode, blocks: number): number {
    const { blockSizeBytes } = inode.content;
    const share = Math.max(1, blocks) / blocksOf(inode);
    return Math.floor((inode.fields.sizeBytes * (1 - share)) / blockSizeBytes) * blockSizeBytes;
  }

  #fileIfThere(ino: number): Inode | undefined {
    try {
      const inode = this.table.get(ino);
      return inode.fields.kind === 'file' ? inode : undefined;
    } catch (thrown) {
      if (isFault(thrown, 'not-found')) return undefined;
      throw thrown;
    }
  }
}
