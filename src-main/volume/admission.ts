import { MirrorpointError } from '../base/index.ts';
import type { BlockPool } from '../blocks/index.ts';
import type { SpaceMap } from '../consistency/index.ts';

/** Blocks that changes may not use unless they free space. */
const reserveBlocksMin = 192;

/** The part of the volume kept for that. */
const reserveShare = 1 / 256;

/** What wants space: changes, requests to keep a root or to hold it, and what frees space. */
type Purpose = 'change' | 'keep' | 'free';

/** The part of the reserve that each leaves. The last of it is for CPs that give up snapshots, holds and removed files. */
const sharesLeft: Record<Purpose, number> = { change: 1, keep: 1 / 2, free: 1 / 8 };

/** The part of the reserve below which no root is kept that nobody asked for by name. */
const unaskedShare = 1 / 3;

/** Blocks of the volume's own maps that a request to keep a root, or to hold it, changes or adds. */
export const keepBlocks = 8;

/** Blocks of removed files that one CP takes apart at most. */
const reclaimBlocksPerCp = 65536;

/** Such blocks for each block that is free: snapshots that need them list them, many in a block. */
const reclaimBlocksPerFree = 32;

/** Free blocks for each removed file that one CP takes apart: its inode may lie alone. */
const freePerReclaimed = 8;

/** Inodes that wait for a CP before one is taken for their sake. */
const waitingInodesMax = 65536;

/** Requests that wait for a CP before one is taken for their sake. */
const waitingRequestsMax = 131072;

/** What the admission of changes looks at. */
export interface AdmissionView {
  readonly pool: BlockPool;
  readonly space: SpaceMap;
  readonly name: string;
  /** Inodes changed since the last durable CP. */
  waitingInodes(): number;
  /** Requests since the last CP. */
  waitingRequests(): number;
  /** Requests about snapshots since the last CP. */
  waitingSnapshotRequests(): number;
}

/**
 * Decides whether a change may start: its blocks must fit in memory beside those
 * that wait, and what waits must fit on the devices when the CP comes. The CP's
 * own needs are estimated high, so that a change which was let in never makes a
 * CP fail for want of space. Roots are kept as changes are let in: what is left
 * at the end is for CPs that free something, which so can always be taken.
 */
export class Admission {
  readonly #view: AdmissionView;

  constructor(view: AdmissionView) {
    this.#view = view;
  }

  /** Whether memory has room for a change of so many blocks now. */
  hasRoom(costBlocks: number): boolean {
    return this.#view.pool.freeCount >= costBlocks;
  }

  /** Whether enough waits that a CP should start without being asked for. */
  get isHigh(): boolean {
    const { pool } = this.#view;
    return (
      pool.takenCount > (pool.capacity * 5) / 8 ||
      this.#view.waitingInodes() > waitingInodesMax ||
      this.#view.waitingRequests() > waitingRequestsMax
    );
  }

  /** Whether so little waits that the CP for it may take its time. */
  get isLow(): boolean {
    const { pool } = this.#view;
    return pool.takenCount <= pool.capacity / 3;
  }

  /** Whether the devices have room for what waits and so many blocks more. */
  fits(costBlocks: number, purpose: Purpose): boolean {
    const { pool, space } = this.#view;
    // Scattered inodes cost a block of inodes each, and an address block above it.
    const inodeBlocks = 2 * this.#view.waitingInodes();
    const keptBlocks = keepBlocks * this.#view.waitingSnapshotRequests();
    const needed = 2 * (pool.takenCount + costBlocks + keptBlocks) + inodeBlocks + 64;
    return needed + Math.floor(this.#reserve * sharesLeft[purpose]) <= space.freeCount;
  }

  /** Whether a CP may keep its root although nobody has asked for that by name. */
  get mayKeepUnasked(): boolean {
    return this.#view.space.freeCount >= this.#reserve * unaskedShare;
  }

  /** The most of removed files that the next CP may take apart: it has room to say what of them snapshots need. */
  get reclaimMost(): [blocks: number, files: number] {
    const { freeCount } = this.#view.space;
    const blocks = Math.min(reclaimBlocksPerCp, freeCount * reclaimBlocksPerFree);
    return [Math.max(1, blocks), Math.max(1, Math.floor(freeCount / freePerReclaimed))];
  }

  /** The fault for a change that finds no space even right after a CP. */
  full(): MirrorpointError {
    const { space, name } = this.#view;
    return new MirrorpointError(
      'volume-full',
      `Volume ${name} is full: ${space.usedCount} of ${space.blockCount} blocks are in use and the rest is kept for deleting. ` +
        'Delete files or snapshots, or grow the volume; nothing of what it holds is lost.',
    );
  }

  get #reserve(): number {
    return Math.max(reserveBlocksMin, Math.floor(this.#view.space.blockCount * reserveShare));
  }
}
