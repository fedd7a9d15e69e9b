import { assert, isZero } from '../base/index.ts';
import type { CpParticipant, CpWriter } from '../consistency/index.ts';
import { stageOverlay, systemFile, writeOverlay } from '../consistency/index.ts';
import { encodeInode, inodeBytes, type InodeFields, type RootNode } from '../format/index.ts';
import type { BlockFile, Overlay, TreeEdit, TreeRoot } from '../tree/index.ts';
import type { Inode } from './inode.ts';
import type { InodeCounters, InodeTable } from './inode-table.ts';

/** Inode blocks read and changed in one step. */
const inodeBlocksPerPart = 512;

/** Changed blocks of a file that takes a while to be written. */
const longFileBlocksMin = 64;

/** One inode as a CP took it. */
interface FrozenInode {
  readonly inode: Inode;
  readonly fields: InodeFields;
  readonly overlay: Overlay | undefined;
}

/**
 * The files' part in a CP: the trees of changed files, then the inode blocks
 * that hold their new roots, then the inode file's own tree, and the orphans.
 */
export class InodeFlush implements CpParticipant {
  readonly #table: InodeTable;
  readonly #orphans: BlockFile;
  #frozen: FrozenInode[] = [];
  #frozenOrphans: Overlay | undefined;
  #counters: InodeCounters;
  #inodeFileRoot: TreeRoot;
  #orphansRoot: TreeRoot;
  #inodeFileBytes = 0;

  constructor(table: InodeTable, orphans: BlockFile) {
    this.#table = table;
    this.#orphans = orphans;
    this.#counters = { ...table.counters };
    this.#inodeFileRoot = table.file.root;
    this.#orphansRoot = orphans.root;
  }

  freeze(): void {
    this.#frozen = this.#table.takeDirty().map((inode) => ({
      inode,
      fields: { ...inode.fields },
      overlay: inode.content.freeze(),
    }));
    this.#counters = { ...this.#table.counters };
    this.#frozenOrphans = this.#orphans.freeze();
  }

  /** The inodes as the CP being written leaves them, once `flush` has ended. */
  get written(): { file: InodeFields; inodeCount: number } {
    const file = { ...systemFile(this.#inodeFileRoot), sizeBytes: this.#inodeFileBytes };
    return { file, inodeCount: this.#counters.inodeCount };
  }

  async flush(writer: CpWriter): Promise<void> {
    this.#inodeFileRoot = await this.#writeInodes(writer, await this.#writeContents(writer));
    this.#orphansRoot = this.#orphans.root;
    if (this.#frozenOrphans !== undefined) {
      this.#orphansRoot = await writeOverlay(writer, {
        root: this.#orphans.root,
        overlay: this.#frozenOrphans,
        isMap: true,
        cacheData: true,
      });
    }
  }

  fill(node: RootNode): void {
    Object.assign(node, this.#counters);
    node.files.inodes = this.written.file;
    node.files.orphans = systemFile(this.#orphansRoot);
  }

  settle(committed: boolean): void {
    for (const { inode, fields } of this.#frozen) {
      if (committed) {
        const { slots, height, blockCount } = fields;
        inode.content.settle({ slots, height, blockCount });
        Object.assign(inode.fields, { slots, height, blockCount });
      } else {
        inode.content.settle(undefined);
        this.#table.changed(inode);
      }
    }
    this.#table.settled();
    if (committed) this.#table.file.settle(this.#inodeFileRoot);
    this.#orphans.settle(committed ? this.#orphansRoot : undefined);
    this.#frozen = [];
    this.#frozenOrphans = undefined;
  }

  /**
   * What the next file needs is read while one is written; and while the last long
   * one is, the blocks of the inodes, which are returned: read earlier, they would
   * have left the cache again, where mirrors are told from what has changed in them.
   */
  async #writeContents(writer: CpWriter): Promise<Map<number, Uint8Array>> {
    const changed = this.#frozen.flatMap(({ fields, overlay }) => (overlay === undefined ? [] : [{ fields, overlay }]));
    const lastLong = changed.findLastIndex(({ overlay }) => overlay.blocks.size >= longFileBlocksMin);
    const stage = (index: number): Promise<TreeEdit> | undefined => {
      const file = changed[index];
      return file && faultLater(stageOverlay(writer, { root: file.fields, overlay: file.overlay, isMap: false }));
    };
    let ahead = stage(0);
    let reading: Promise<Map<number, Uint8Array>> | undefined;
    try {
      for (const [index, { fields }] of changed.entries()) {
        const edit = await ahead;
        assert(edit !== undefined, 'a file is staged before it is written');
        ahead = stage(index + 1);
        if (index >= lastLong) reading ??= faultLater(this.#readInodeBlocks());
        const { slots, height, blockCount } = await writer.place(edit, { cacheData: fields.kind !== 'file' });
        Object.assign(fields, { slots, height, blockCount });
      }
      return await (reading ?? this.#readInodeBlocks());
    } finally {
      await Promise.allSettled([ahead, reading]);
    }
  }

  /** Copies of the blocks that hold the changed inodes, by index. */
  async #readInodeBlocks(): Promise<Map<number, Uint8Array>> {
    const { context, file } = this.#table;
    const { inodesPerBlock, blockSizeBytes } = context.geometry;
    const changed = new Set(this.#frozen.map(({ inode }) => Math.floor(inode.number / inodesPerBlock)));
    const indices = [...changed].sort((a, b) => a - b);
    const blocks = new Map<number, Uint8Array>();
    for (let start = 0; start < indices.length; start += inodeBlocksPerPart) {
      const part = indices.slice(start, start + inodeBlocksPerPart);
      await context.cache.run(() => {
        for (const index of part) file.prefetch(index);
        context.cache.needAll();
        for (const index of part) blocks.set(index, file.read(index)?.slice() ?? new Uint8Array(blockSizeBytes));
      });
    }
    return blocks;
  }

  async #writeInodes(writer: CpWriter, blocks: Map<number, Uint8Array>): Promise<TreeRoot> {
    const { context, file } = this.#table;
    const { inodesPerBlock, blockSizeBytes } = context.geometry;
    this.#inodeFileBytes = Math.ceil(this.#counters.nextInode / inodesPerBlock) * blockSizeBytes;
    if (this.#frozen.length === 0) return file.root;
    for (const { inode, fields } of this.#frozen) {
      const block = blocks.get(Math.floor(inode.number / inodesPerBlock));
      assert(block !== undefined, 'an inode block is read before it is changed');
      assert(fields.inlineContent === null || isZero(fields.slots), 'inline content stands beside an empty tree');
      encodeInode(fields, block, (inode.number % inodesPerBlock) * inodeBytes);
    }
    const edit = writer.editFiles(file.root);
    await edit.stage(blocks);
    return writer.place(edit, { cacheData: true });
  }
}

/** What goes on beside other work: its fault is met when its turn comes. */
function faultLater<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
