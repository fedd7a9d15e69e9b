import { MirrorpointError } from '../base/index.ts';
import type { BlockPool } from '../blocks/index.ts';
import type { SpaceMap } from '../consistency/index.ts';

/** Blocks that changes which free space may still use when nothing else may. */
const reserveBlocksMin = 192;

/** The part of the volume kept for them. */
const reserveShare = 1 / 256;

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
}

/**
 * Decides whether a change may start: its blocks must fit in memory beside those
 * that wait, and what waits must fit on the devices when the CP comes. The CP's
 * own needs are estimated high, so that a change which was let in never makes a
 * CP fail for want of space.
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

  /** Whether the devices have room for what waits and so many blocks more. */
  fits(costBlocks: number, frees: boolean): boolean {
    const { pool, space } = this.#view;
    const reserve = Math.max(reserveBlocksMin, Math.floor(space.blockCount * reserveShare));
    // Scattered inodes cost a block of inodes each, and an address block above it.
    const inodeBlocks = 2 * this.#view.waitingInodes();
    const needed = 2 * (pool.takenCount + costBlocks) + inodeBlocks + 64;
    return needed + (frees ? 0 : reserve) <= space.freeCount;
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
}
