import type { ErrorCode } from '../base/index.ts';

/** Which end of a relationship a server is. The primary serves a volume; the mirror holds its copy. */
export type Role = 'primary' | 'mirror';

/** Blocks `vbn` to `vbn + count - 1`. */
export interface Run {
  readonly vbn: number;
  readonly count: number;
}

/** Both ways, first: who speaks, and for which volume. Ids are 16 bytes; a mirror that is still empty sends a volume id of zeros. */
export interface HelloMessage {
  readonly type: 'hello';
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly role: Role;
  readonly serverId: Uint8Array;
  readonly serverName: string;
  readonly volumeId: Uint8Array;
  readonly setId: Uint8Array;
  readonly blockSizeBytes: number;
  /** Size of the VBN space in blocks. */
  readonly blockCount: number;
  readonly epoch: number;
}

/** Mirror to primary, once, right after the hello: what the mirror has. A CP of 0 means none. */
export interface StateMessage {
  readonly type: 'state';
  readonly committedCp: number;
  readonly rootChecksum: bigint;
  readonly receivingCp: number;
  readonly neededCps: readonly number[];
}

/** Primary to mirror: a live consistency point, built on `baseCp`, starts to stream. */
export interface BeginMessage {
  readonly type: 'begin';
  readonly cp: number;
  readonly baseCp: number;
}

/**
 * Primary to mirror: blocks. Live ones carry the CP and a request id of 0;
 * those that answer a want carry its request id and a CP of 0. To be encoded,
 * `data` is the runs' blocks in order, cut in any way; a decoded message has
 * one array per run.
 */
export interface BlocksMessage {
  readonly type: 'blocks';
  readonly cp: number;
  readonly requestId: number;
  readonly runs: readonly Run[];
  readonly data: readonly Uint8Array[];
}

/** As `blocks`, with the one packed form of all their data, cut in any way; a decoded message has it in one array. */
export interface PackedBlocksMessage {
  readonly type: 'packed-blocks';
  readonly cp: number;
  readonly requestId: number;
  readonly runs: readonly Run[];
  readonly data: readonly Uint8Array[];
}

/** How to make a new block of one that the mirror has. */
export interface BlockChange {
  readonly vbn: number;
  /** The block of the CP's base that it is made of. A birth of 0: none, it is made of zeros. */
  readonly replacedVbn: number;
  readonly replacedBirthCp: number;
  /** See `patchBetween`. */
  readonly patch: Uint8Array;
}

/** Primary to mirror: blocks of the live CP that differ little from those that they replace. A mirror that cannot make them asks for them whole. */
export interface ChangesMessage {
  readonly type: 'changes';
  readonly cp: number;
  readonly changes: readonly BlockChange[];
}

/**
 * What a primary knows of the mirror's committed root when it sends a newer one:
 * - `live`: the primary keeps it, and the blocks of the new root's CP have streamed since `begin`
 * - `held`: the primary keeps it, or the mirror has none
 * - `ancestor`: it is one of the new root's history, and not kept any more
 * - `related`: whether it is cannot be told; the mirror finds a CP that both histories have, or refuses
 * - `forced`: as `related`, and an administrator wants it even when there is no common CP
 */
export const rootBases = ['live', 'held', 'ancestor', 'related', 'forced'] as const;
export type RootBasis = (typeof rootBases)[number];

/** Primary to mirror: the root node (one block) of a CP: reconcile to it and commit. */
export interface RootMessage {
  readonly type: 'root';
  readonly cp: number;
  readonly basis: RootBasis;
  readonly root: Uint8Array;
}

/** Mirror to primary: send these blocks as the root of `cp` references them. Answered by `blocks` in the order asked, or by `gone`. */
export interface WantMessage {
  readonly type: 'want';
  readonly requestId: number;
  readonly cp: number;
  readonly runs: readonly Run[];
}

/** Primary to mirror: the root that the want named is no longer held; a newer root follows. */
export interface GoneMessage {
  readonly type: 'gone';
  readonly requestId: number;
  readonly cp: number;
}

/** Mirror to primary: this CP is durable and served. */
export interface CommittedMessage {
  readonly type: 'committed';
  readonly cp: number;
  readonly rootChecksum: bigint;
  readonly neededCps: readonly number[];
}

/** Mirror to primary: the views now open need these CPs, besides the committed one. */
export interface ViewsMessage {
  readonly type: 'views';
  readonly neededCps: readonly number[];
}

/** Both ways. Wall times label; they never order. */
export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  readonly sentWallMs: number;
  readonly lastCp: number;
  readonly lastCpWallMs: number;
  /** Of that CP's root; 0 for none. By it the other side knows whether the two have the same. */
  readonly lastRootChecksum: bigint;
  /** From the primary: bytes of the CPs after the mirror's, and of what changed since. From the mirror: bytes of the newest CP that it still lacks. */
  readonly pendingBytes: number;
  /** Bytes that the sender has received in this session. */
  readonly receivedBytes: number;
}

/** Both ways: something went wrong on the sender's side. After a final fault the sender says nothing more. */
export interface FaultMessage {
  readonly type: 'fault';
  readonly code: ErrorCode;
  readonly message: string;
  readonly final: boolean;
}

/** Both ways: the sender ends the session in order and says nothing more. */
export interface ByeMessage {
  readonly type: 'bye';
}

/** Primary to mirror, which has exactly this CP: be the primary from now on, in this epoch. The primary takes no more changes. */
export interface HandOverMessage {
  readonly type: 'hand-over';
  readonly epoch: number;
  readonly cp: number;
  readonly rootChecksum: bigint;
}

/** Mirror to primary: it is durably decided that the mirror becomes the primary of this epoch. */
export interface HandedOverMessage {
  readonly type: 'handed-over';
  readonly epoch: number;
}

/** A block as its pointer promises it: where it stands, and the checksum of its bytes. */
export interface SoughtBlock {
  readonly vbn: number;
  readonly checksum: bigint;
}

/** Both ways: send these blocks if your own devices hold them, with these checksums. Answered by one `fetched`. */
export interface FetchMessage {
  readonly type: 'fetch';
  readonly requestId: number;
  readonly blocks: readonly SoughtBlock[];
}

/** Both ways: the blocks of a fetch that the sender has and has proven. `found` are their places in the fetch, rising; `data` has one block for each. */
export interface FetchedMessage {
  readonly type: 'fetched';
  readonly requestId: number;
  readonly found: readonly number[];
  readonly data: readonly Uint8Array[];
}

export type Message =
  | HelloMessage
  | StateMessage
  | BeginMessage
  | BlocksMessage
  | PackedBlocksMessage
  | ChangesMessage
  | RootMessage
  | WantMessage
  | GoneMessage
  | CommittedMessage
  | ViewsMessage
  | HeartbeatMessage
  | FaultMessage
  | ByeMessage
  | HandOverMessage
  | HandedOverMessage
  | FetchMessage
  | FetchedMessage;

export type MessageType = Message['type'];
