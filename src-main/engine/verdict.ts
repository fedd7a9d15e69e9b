import { formatBytes, formatDuration, formatTime } from '../base/index.ts';
import type { RelationshipStatus, Verdict } from '../contract/index.ts';

/** A relationship with all that was measured of it. */
export type MeasuredRelationship = Omit<RelationshipStatus, 'verdict'>;

/** A link that comes about within this time was not missed by anyone. */
const connectingQuietlyMs = 5000;

/**
 * A relationship in one sentence: state, reason, how far behind; and what to do
 * where there is anything to do. That both are equal is said only while they
 * speak with each other.
 */
export function verdictOf(status: MeasuredRelationship): Verdict {
  const { state } = status;
  switch (state) {
    case 'paused':
      return {
        level: 'attention',
        sentence: `Paused on request: changes are not mirrored; ${standing(status)}.`,
        next: `Go on by \`mirrorpoint resume ${status.volume} ${status.address}\`.`,
      };
    case 'error':
      return {
        level: 'problem',
        sentence: `Not mirrored, and a person must see to it: ${reasonOf(status)} ${capital(standing(status))}.`,
        next: status.role === 'primary'
          ? `It is tried again every half minute; at once by \`mirrorpoint resume ${status.volume} ${status.address}\`.`
          : "It goes on by itself when the primary comes again; look at the primary's server.",
      };
    case 'base-dropped':
      return {
        level: 'attention',
        sentence: `Not connected${status.apartMs > 0 ? ` for ${formatDuration(status.apartMs)}` : ''}, and nothing is kept for the mirror any more: ${droppedBecause(status)}. ${capital(standing(status))}.`,
        next: 'Bring the mirror back: the two are then compared by checksum, and only what differs travels.',
      };
    case 'connecting':
      return status.role === 'primary' ? apartAsPrimary(status) : apartAsMirror(status);
    case 'baseline':
      return {
        level: 'working',
        sentence: `The mirror receives its first copy${toGo(status)}; until that is whole there is nothing to fall back on.`,
      };
    case 'catching-up':
    case 'live':
      return together(status);
  }
}

function together(status: MeasuredRelationship): Verdict {
  const { state, identical, mirrorCp, primaryCp, rootChecksum, lastCommittedWallMs, lagMs, lagLimitMs } = status;
  if (identical) {
    const proof = rootChecksum === undefined ? '' : `, root ${rootChecksum}`;
    const sentence = `Up to date: proven identical at CP ${mirrorCp} of ${formatTime(lastCommittedWallMs)}${proof}${exposure(status)}.`;
    return { level: 'good', sentence };
  }
  if (mirrorCp === primaryCp) {
    // Nothing is known against it, and nothing proves it yet.
    return { level: 'working', sentence: `Both stand at CP ${mirrorCp}; that they are identical is not proven yet${exposure(status)}.` };
  }
  const far = lagMs > lagLimitMs;
  const doing = state === 'live' ? 'Mirroring as changes happen' : 'Catching up';
  return {
    level: far ? 'attention' : state === 'live' ? 'good' : 'working',
    sentence: `${far ? 'Too far behind: ' : `${doing}: `}${standing(status)}${toGo(status)}${exposure(status)}.`,
    ...(far && { next: `Look whether the line or the mirror is too slow for what changes; the limit is ${formatDuration(lagLimitMs)}.` }),
  };
}

function apartAsPrimary(status: MeasuredRelationship): Verdict {
  const { address, apartMs, primaryCp } = status;
  // An open volume has a CP at least.
  if (primaryCp === 0) return { level: 'attention', sentence: `Not mirrored now: ${reasonOf(status)}` };
  if (status.reason === undefined && apartMs <= connectingQuietlyMs) {
    return { level: 'working', sentence: `Connecting to ${address}; ${standing(status)}.` };
  }
  return {
    level: 'attention',
    sentence: `Not connected${apartMs > 0 ? ` for ${formatDuration(apartMs)}` : ''}: ${reasonOf(status)} ${capital(standing(status))}.`,
    next: 'It is tried again by itself, and goes on where it was.',
  };
}

function apartAsMirror(status: MeasuredRelationship): Verdict {
  const { volume, address, mirrorCp, lastCommittedWallMs, apartMs } = status;
  if (mirrorCp === 0) {
    return {
      level: 'attention',
      sentence: `Waits at ${address === '' ? 'no address' : address} for its primary; there is nothing here yet.`,
      next: `On the primary's server: \`mirrorpoint link VOLUME ADDRESS\`, which leads to '${volume}' here.`,
    };
  }
  const shown = `it shows CP ${mirrorCp} of ${formatTime(lastCommittedWallMs)}, and what came later is not here`;
  if (status.reason === undefined && apartMs <= connectingQuietlyMs) {
    return { level: 'working', sentence: `Waits for its primary; ${shown}.` };
  }
  const why = status.reason === undefined ? '' : ` (${status.reason.replace(/\.$/, '')})`;
  return {
    level: 'attention',
    sentence: `Nothing heard from its primary for ${formatDuration(apartMs)}${why}: ${shown}.`,
    next: "Look at the primary's server, and at the network between the two.",
  };
}

function droppedBecause({ hold }: MeasuredRelationship): string {
  const dropped = hold?.baseDropped;
  if (dropped === undefined) return 'its base was dropped';
  const why = { cap: 'it reached its cap', full: 'writers found no room', request: 'that was asked for' }[dropped.why];
  return `what was held since CP ${dropped.cp}, ${formatBytes(dropped.heldBytes)}, was given up at ${formatTime(dropped.wallMs)}, because ${why}`;
}

/** Where the mirror stands, and how far that is behind. */
function standing({ mirrorCp, primaryCp, lagCps, lagMs, lagBytes, lastCommittedWallMs }: MeasuredRelationship): string {
  if (primaryCp === 0 && mirrorCp === 0) return 'how far the mirror is, is not known at the moment';
  if (mirrorCp === 0) return 'the mirror has no whole CP yet';
  const at = `the mirror stands at CP ${mirrorCp}${lastCommittedWallMs === 0 ? '' : ` of ${formatTime(lastCommittedWallMs)}`}`;
  if (lagCps === 0) return primaryCp === 0 ? at : `${at}, the last one known`;
  return `${at}, ${lagCps} CP${lagCps === 1 ? '' : 's'}, ${formatDuration(lagMs)} and ${formatBytes(lagBytes)} behind`;
}

/** How much is to come, where something is. */
function toGo({ mirrorCp, lagBytes, catchUpMs, role, sentPerSecond, receivedPerSecond }: MeasuredRelationship): string {
  const rate = role === 'primary' ? sentPerSecond : receivedPerSecond;
  const parts = [
    ...(mirrorCp === 0 && lagBytes > 0 ? [`about ${formatBytes(lagBytes)} to go`] : []),
    ...(rate >= 1024 ? [`at ${formatBytes(rate)}/s`] : []),
    ...(catchUpMs === undefined ? [] : [`about ${formatDuration(catchUpMs)} left`]),
  ];
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function exposure({ loseUpToMs }: MeasuredRelationship): string {
  return loseUpToMs === undefined ? '' : `; you can lose up to ${formatDuration(loseUpToMs)}`;
}

function reasonOf({ reason }: MeasuredRelationship): string {
  if (reason === undefined) return 'the other server has not answered yet.';
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
