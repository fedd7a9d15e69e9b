import { assert, present } from '../base/index.ts';
import { emptyInode, type InodeFields, type InodeKind } from '../format/index.ts';
import { BlockFile, type BlockFileContext } from '../tree/index.ts';
import { Inode, type InodeSource } from './inode.ts';
import { noSuchInode, prefetchInodes, readInode } from './inode-reader.ts';

/** Clean inodes that stay decoded between operations. */
const cleanInodesMax = 4096;

/** The counters of the inode table that the root node keeps. */
export interface InodeCounters {
  nextInode: number;
  freeInodeHead: number;
  inodeCount: number;
}

/**
 * The inodes of the live volume. Changes stay in memory until a CP takes them;
 * free inode numbers form a chain through the inode file, newest first, so that
 * taking and releasing a number costs one inode and replays alike.
 */
export class InodeTable implements InodeSource {
  readonly context: BlockFileContext;
  readonly file: BlockFile;
  readonly #inodes = new Map<number, Inode>();
  readonly #dirty = new Set<Inode>();
  #inCp = new Set<Inode>();
  #counters: InodeCounters;

  constructor(context: BlockFileContext, inodeFileFields: InodeFields, counters: InodeCounters) {
    this.context = context;
    this.file = new BlockFile(context, inodeFileFields);
    // Picked one by one: what is given may be a whole root node, and these go into the next.
    const { nextInode, freeInodeHead, inodeCount } = counters;
    this.#counters = { nextInode, freeInodeHead, inodeCount };
  }

  get counters(): Readonly<InodeCounters> {
    return this.#counters;
  }

  /** Inodes that wait for a CP. */
  get waitingCount(): number {
    return this.#dirty.size + this.#inCp.size;
  }

  get(number: number): Inode {
    const inode = this.#load(number);
    if (inode.fields.kind === 'free') noSuchInode(number);
    return inode;
  }

  find(number: number): Inode | undefined {
    if (number >= this.#counters.nextInode) return undefined;
    const inode = this.#load(number);
    return inode.fields.kind === 'free' ? undefined : inode;
  }

  prefetch(numbers: Iterable<number>): void {
    prefetchInodes(this.context, this.file, numbers);
  }

  firstWaiting(from: number): number | undefined {
    let first: number | undefined;
    for (const inodes of [this.#dirty, this.#inCp]) {
      for (const { number } of inodes) if (number >= from && number < (first ?? Infinity)) first = number;
    }
    return first;
  }

  /** Takes an inode number into use. Fields are empty but for the kind; the caller fills them and need not call `changed`. */
  create(kind: InodeKind): Inode {
    const head = this.#counters.freeInodeHead;
    const inode = head === 0 ? this.#fresh() : this.#load(head);
    const { nextFreeInode } = inode.fields;
    if (head !== 0) this.#counters.freeInodeHead = nextFreeInode;
    // The tree of a released inode may still wait to be taken apart by the CP, so its root is kept.
    const { slots, height, blockCount, generation } = inode.fields;
    Object.assign(inode.fields, emptyInode(kind), { generation: generation + 1, slots, height, blockCount });
    this.#counters.inodeCount++;
    this.changed(inode);
    return inode;
  }

  /** Notes that fields or content of the inode differ from the last CP. */
  changed(inode: Inode): void {
    assert(this.#inodes.get(inode.number) === inode, 'an inode is changed through the object that the table holds');
    this.#dirty.add(inode);
  }

  /** Ends the use of an inode: its blocks and its number are free with the next CP. Nothing may be open on it. */
  release(inode: Inode): void {
    assert(inode.openCount === 0, 'an open inode is not released');
    inode.content.punch(0, Infinity);
    const { slots, height, blockCount, generation } = inode.fields;
    Object.assign(inode.fields, emptyInode('free'), { slots, height, blockCount, generation });
    inode.fields.nextFreeInode = this.#counters.freeInodeHead;
    this.#counters.freeInodeHead = inode.number;
    this.#counters.inodeCount--;
    this.changed(inode);
  }

  /** Forgets clean inodes beyond the bound. Called between operations only, never within one. */
  trim(): void {
    if (this.#cleanCount <= cleanInodesMax) return;
    for (const [number, inode] of this.#inodes) {
      if (this.#dirty.has(inode) || this.#inCp.has(inode) || inode.openCount > 0) continue;
      this.#inodes.delete(number);
      if (this.#cleanCount <= cleanInodesMax / 2) return;
    }
  }

  /** At least so many; one that changes again while a CP has it counts as two that are not. */
  get #cleanCount(): number {
    return this.#inodes.size - this.#dirty.size - this.#inCp.size;
  }

  /** The inodes changed since the last call, for a CP; they stay in memory until `settled`. */
  takeDirty(): readonly Inode[] {
    this.#inCp = new Set(this.#dirty);
    this.#dirty.clear();
    return [...this.#inCp];
  }

  /** The CP that took the dirty inodes has ended. */
  settled(): void {
    this.#inCp.clear();
  }

  #fresh(): Inode {
    const number = this.#counters.nextInode++;
    return this.#hold(number, emptyInode('free'));
  }

  #load(number: number): Inode {
    const known = this.#inodes.get(number);
    if (known !== undefined) return known;
    assert(number > 0, 'inode numbers start at 1');
    if (number >= this.#counters.nextInode) noSuchInode(number);
    return this.#hold(number, readInode(this.context, this.file, number));
  }

  #hold(number: number, fields: InodeFields): Inode {
    const content = new BlockFile(this.context, fields, () => {
      this.changed(present(this.#inodes.get(number), 'inode of changed content'));
    });
    const inode = new Inode(number, fields, content);
    this.#inodes.set(number, inode);
    return inode;
  }
}
