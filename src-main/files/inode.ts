import type { InodeFields } from '../format/index.ts';
import type { BlockFile } from '../tree/index.ts';

/**
 * An inode in memory: its number, its fields, and its content as a file of
 * blocks. The slots, height and block count of `fields` are those of the last
 * CP and are kept by the inode table; everything else is changed by file
 * operations, which then call `InodeTable.changed`.
 */
export class Inode {
  readonly number: number;
  readonly fields: InodeFields;
  readonly content: BlockFile;
  /** Open handles: an unlinked inode is kept while there is one. */
  openCount = 0;

  constructor(number: number, fields: InodeFields, content: BlockFile) {
    this.number = number;
    this.fields = fields;
    this.content = content;
  }
}

/** Where file system code finds inodes: the live table, or the inode file of a kept root. */
export interface InodeSource {
  /**
   * The inode in use under a number. Throws `not-found` when there is none; may
   * end the operation with a block miss.
   */
  get(number: number): Inode;
  /** As `get`, and undefined when there is none. */
  find(number: number): Inode | undefined;
  /** Notes what of the inodes is not in memory, or the way to it; never ends the operation. */
  prefetch(numbers: Iterable<number>): void;
  /** The inode file as it stands on the devices. */
  readonly file: BlockFile;
  /** The first number at or after one whose inode waits in memory and differs from what the file says. */
  firstWaiting(from: number): number | undefined;
}
