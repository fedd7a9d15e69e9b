import { Violation } from './history.ts';
import type { OldLine } from './old-line.ts';
import { isOldRoot } from './old-line.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { MirrorServer } from './simulated-servers.ts';

export type MirrorSide = 'mirror' | 'second';
export type Side = 'primary' | MirrorSide;

/** A mirror over all of its lives: what it runs on, what it has said, and what may be asked of it. */
export class SimulatedMirror {
  readonly side: MirrorSide;
  disks: readonly SimulatedDisk[];
  /** The process, while there is one. */
  server: MirrorServer | undefined;
  /** Its disks are empty still. */
  isNew = true;
  /** The last CP that it has said that it has. */
  cp = 0;
  /** The primary keeps that CP for it. */
  isKept = false;
  /** What it has, and serves, until it has a root of the one that leads now. */
  oldLine: OldLine | undefined;
  /** It committed a root, whose wholeness is to be proven. */
  unprovenCommit = false;
  /** What the primary kept for it was given up, and no session has begun since. */
  isBaseDropped = false;
  /** The primary was told to have it follow, whatever it has. */
  isResynced = false;
  /** It stays away until trouble ends. */
  isAway = false;
  /** Its disks do harm to what is written, or have rotted, so that a copy of them need not be whole. */
  isHarmed = false;

  constructor(side: MirrorSide, disks: readonly SimulatedDisk[]) {
    this.side = side;
    this.disks = disks;
  }

  /** Takes note of what it has committed: true when that is something new. It never goes back, and only to what was durable on the primary. */
  looksNew(roots: ReadonlyMap<number, Uint8Array>): boolean {
    const { committed, committedBytes } = this.server?.volume ?? {};
    if (this.server === undefined || isOldRoot(this.oldLine, committedBytes)) return false;
    const cp = committed?.cp ?? 0;
    if (cp === this.cp) return false;
    if (cp < this.cp) throw new Violation(`the ${this.side} went back from CP ${this.cp} to ${cp}`);
    const root = roots.get(cp);
    if (root === undefined) throw new Violation(`the ${this.side} has CP ${cp}, which was never durable on the primary`);
    if (Buffer.compare(root, committedBytes!) !== 0) throw new Violation(`the ${this.side} has another CP ${cp} than the primary`);
    this.oldLine = undefined;
    this.cp = cp;
    this.isResynced = false;
    this.unprovenCommit = true;
    return true;
  }

  /** Its disks are others now, or those of another server: nothing that it had said holds any more. */
  standsAnew(disks: readonly SimulatedDisk[], has: { cp: number } | { oldLine: OldLine | undefined }): void {
    this.disks = disks;
    this.cp = 'cp' in has ? has.cp : 0;
    this.oldLine = 'oldLine' in has ? has.oldLine : undefined;
    this.isKept = false;
    this.isResynced = false;
    this.unprovenCommit = false;
  }
}
