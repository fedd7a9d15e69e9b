import type { ErrorCode, MirrorpointError } from '../base/index.ts';

/**
 * - `connecting`: no session at the moment; `reason` says why the last one ended
 * - `baseline`: the mirror receives its first CP
 * - `catching-up`: it is behind, and receives a CP that did not stream live
 * - `live`: it has the last CP, or what it lacks has streamed to it
 * - `paused`: on request
 * - `base-dropped`: no session, and nothing is kept for the mirror any more; when it comes, the two are compared
 * - `error`: something that a person must see to; tried again slowly
 */
export type RelationshipState = 'connecting' | 'baseline' | 'catching-up' | 'live' | 'paused' | 'base-dropped' | 'error';

/** A relationship as either side sees it. */
export interface RelationshipStatus {
  state: RelationshipState;
  /** Why it is not live, where that is known, for people; `code` for programs. */
  reason?: string;
  code?: ErrorCode;
  /** The name of the server at the other end, once it has said it. */
  peerName?: string;
  /** The identity that it has proven, or must prove. */
  peerIdentity?: string;
  /** The primary's last CP; 0 when this side has not heard of one. */
  primaryCp: number;
  /** The mirror's last committed CP; 0 for none. */
  mirrorCp: number;
  /** Consistency points that the mirror is behind. */
  lagCps: number;
  /** Bytes that those CPs wrote. Blocks that were replaced since never travel, so fewer may. */
  lagBytes: number;
  /** How long ago the first CP was taken that the mirror lacks, in milliseconds; 0 when it lacks none, or shows nothing yet. */
  lagMs: number;
  /** The limit of what may be sent, where there is one now. */
  limitBytesPerSecond?: number;
  bytesSent: number;
  bytesReceived: number;
  /** Blocks that streamed while their CP ran. */
  blocksPushed: number;
  /** Blocks that the mirror asked for. */
  blocksPulled: number;
  /** When the CP that the mirror shows was taken, milliseconds since 1970 UTC; 0 for none. */
  lastCommittedWallMs: number;
  /** Equal root checksums: both sides hold the same representation. */
  identical: boolean;
  /** That checksum, 16 hex digits, when they are identical. */
  rootChecksum?: string;
  /** How far the other server's clock is ahead of this one's, in milliseconds, while it speaks. */
  clockAheadMs?: number;
}

/** What went over the links of a relationship since it was started. */
export interface RelationshipTraffic {
  bytesSent: number;
  bytesReceived: number;
  blocksPushed: number;
  blocksPulled: number;
}

export function noTraffic(): RelationshipTraffic {
  return { bytesSent: 0, bytesReceived: 0, blocksPushed: 0, blocksPulled: 0 };
}

/** The state of a side that has a session, from how far the two are apart. */
export function stateOfSession(at: { mirrorCp: number; primaryCp: number; isStreaming: boolean }): RelationshipState {
  if (at.mirrorCp === 0) return 'baseline';
  return at.mirrorCp >= at.primaryCp || at.isStreaming ? 'live' : 'catching-up';
}

/** How long the mirror has been behind, on the clock that took the CPs. The first CP that it lacks is no older than its own. */
export function lagMsOf(at: {
  mirrorCp: number;
  primaryCp: number;
  mirrorWallMs: number;
  /** When the first CP was taken that the mirror lacks, as far as that is known. */
  missingSinceWallMs?: number | undefined;
  nowWallMs: number;
}): number {
  if (at.mirrorCp === 0 || at.mirrorCp >= at.primaryCp) return 0;
  const sinceWallMs = Math.max(at.mirrorWallMs, at.missingSinceWallMs ?? 0);
  return sinceWallMs === 0 ? 0 : Math.max(0, at.nowWallMs - sinceWallMs);
}

/** Two roots of one checksum, as a status shows it. */
export function identityOf(checksum: bigint | undefined): { identical: boolean; rootChecksum?: string } {
  return checksum === undefined ? { identical: false } : { identical: true, rootChecksum: checksum.toString(16).padStart(16, '0') };
}

/** A fault as the status shows it. */
export function reasonFor(fault: MirrorpointError | undefined): { reason?: string; code?: ErrorCode } {
  return fault === undefined ? {} : { reason: fault.message, code: fault.code };
}
