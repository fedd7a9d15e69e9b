import { bytesEqual } from '../base/index.ts';
import type { HelloMessage } from '../wire/index.ts';

type Claim = Pick<HelloMessage, 'role' | 'volumeId' | 'setId' | 'epoch'>;

/**
 * What a peer's hello says about a claim to be the primary:
 *
 * - `superseded`: the volume has been promoted elsewhere since; step down
 * - `supersedes`: the peer is a primary that has not heard yet that it is one no more
 * - `undisputed`: it says nothing against the claim
 */
export type Leadership = 'superseded' | 'supersedes' | 'undisputed';

/**
 * Who leads, from both hellos; both sides come to the same end. The higher epoch
 * does. Of two primaries of one epoch, promoted apart, it is the one whose device
 * set has the higher id: which one is as good as the other, since who steps down
 * keeps what it has as a snapshot.
 */
export function judgeLeadership(own: Claim, peer: Claim): Leadership {
  if (own.role !== 'primary' || !bytesEqual(own.volumeId, peer.volumeId) || bytesEqual(own.setId, peer.setId)) return 'undisputed';
  if (peer.epoch > own.epoch) return 'superseded';
  if (peer.role === 'mirror') return 'undisputed';
  return peer.epoch === own.epoch && Buffer.compare(peer.setId, own.setId) > 0 ? 'superseded' : 'supersedes';
}
