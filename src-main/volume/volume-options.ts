import type { Clock, MirrorpointError, RandomSource } from '../base/index.ts';
import type { RootViewAt } from './root-view.ts';

/** Settings of an open volume. */
export interface VolumeOptions {
  /** What messages call the volume. */
  name: string;
  clock: Clock;
  random: RandomSource;
  /** Memory for blocks read. */
  cacheBytes?: number;
  /** Memory for changes that wait for a CP. */
  poolBytes?: number;
  /** What an acknowledgement promises: `sync` what was synced survives, `request` every request does. */
  durability?: 'sync' | 'request';
  /** 1 s to 24 h, or 0 for no timer. */
  cpIntervalMs?: number;
  /** Tell the devices about freed space. */
  discard?: boolean;
}

/** How a mirror is promoted. */
export interface PromoteOptions {
  /** The relationship's epoch from now on; above that of the mirror's root. */
  epoch: number;
  /** Which state to go on from: the mirror's last CP, unless given, or a snapshot; what is newer is given up. */
  at?: RootViewAt;
  /** Keeps that state alone: no snapshots, and nothing for any mirror. */
  alone?: boolean;
}

/** What opening found and did. */
export interface RecoveryReport {
  /** The CP that the volume was found at. */
  cp: number;
  /** Requests taken from the journal. */
  replayedRequests: number;
  /** Copies of that CP's root that were damaged or missing. */
  damagedRootCopies: number;
}

/** What a volume refuses for a while, and what it says then: changes, or CPs as well. */
export interface Restriction {
  readonly what: 'changes' | 'everything';
  readonly fault: MirrorpointError;
}

/** A volume's state at a glance. */
export interface VolumeStatus {
  cp: number;
  epoch: number;
  /** When the last CP was taken. */
  wallMs: number;
  blockSizeBytes: number;
  blockCount: number;
  usedBlockCount: number;
  freeBlockCount: number;
  /** Memory of changes that wait for a CP. */
  waitingBytes: number;
  inodeCount: number;
  /** Times that a change had to wait for a CP to make room. */
  stalledWriters: number;
  cpIntervalMs: number;
  /** Why the volume takes no more changes. */
  failure?: string;
}
