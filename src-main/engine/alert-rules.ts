import { formatDuration, formatTime } from '../base/index.ts';
import type { AlertKind, RelationshipStatus } from '../contract/index.ts';
import type { Condition } from './alerts.ts';
import { hasSession } from './relationship-reports.ts';

/** A primary without its mirror for so long is told of; at once where a person must see to it. */
const linkDownMs = 30_000;
const linkErrorMs = 3_000;

/** A link counts as back when it has stood for so long: one that comes and goes is one alert. */
const linkBackMs = 10_000;

/** By then the other side has told how far it is. */
const toldMs = 3_000;

/** Clocks further apart than the first are told of, until they are nearer than the second. */
const clockSkewMs = 5 * 60_000;
const clockSkewEndMs = 4 * 60_000;

/** What a rule says of a condition: it holds, it has ended, or neither is certain and all stays as it is. */
export type Judgement = Condition | 'over' | 'unchanged';

/** The conditions of a relationship that are judged here, each by its kind. */
export type RelationshipKind = Extract<AlertKind, 'lag' | 'link-down' | 'clock-skew'>;

/** What alerts call one end of a relationship. */
export function subjectOf({ role, volume, address }: Pick<RelationshipStatus, 'role' | 'volume' | 'address'>): string {
  return role === 'primary' ? `volume ${volume} -> ${address}` : `volume ${volume}`;
}

/** Judges one end of a relationship. `togetherMs`: how long its session has stood. */
export function judgeRelationship(status: RelationshipStatus, togetherMs: number): Record<RelationshipKind, Judgement> {
  return {
    lag: status.role === 'primary' ? judgeLag(status, togetherMs) : judgeFreshness(status, togetherMs),
    'link-down': judgeLink(status, togetherMs),
    'clock-skew': judgeClocks(status),
  };
}

function judgeLag(status: RelationshipStatus, togetherMs: number): Judgement {
  const { lagMs, lagLimitMs, lagCps, mirrorCp, state, catchUpMs } = status;
  if (state === 'paused') return 'over';
  if (lagMs > lagLimitMs) {
    return {
      kind: 'lag',
      subject: subjectOf(status),
      text: `The mirror is ${formatDuration(lagMs)} behind, at CP ${mirrorCp}, ${lagCps} CPs before the last; the limit is ${formatDuration(lagLimitMs)}.`,
      next: catchUpMs === undefined ? 'Look at the mirror and at the line to it.' : `It catches up in about ${formatDuration(catchUpMs)} if nothing changes.`,
    };
  }
  return togetherMs >= toldMs && lagMs <= lagLimitMs / 2 ? 'over' : 'unchanged';
}

/** On the mirror: by its own clock, whatever the primary says or does not say. */
function judgeFreshness(status: RelationshipStatus, togetherMs: number): Judgement {
  const { lagMs, lagLimitMs, mirrorCp, apartMs, lastCommittedWallMs } = status;
  if (mirrorCp === 0) return 'over';
  const isSilent = apartMs > lagLimitMs;
  if (isSilent || lagMs > lagLimitMs) {
    const shown = `it shows CP ${mirrorCp} of ${formatTime(lastCommittedWallMs)}`;
    return {
      kind: 'lag',
      subject: subjectOf(status),
      text: isSilent
        ? `Nothing has come from its primary for ${formatDuration(apartMs)}; ${shown}.`
        : `It is ${formatDuration(lagMs)} behind its primary; ${shown}.`,
      next: isSilent ? "Look at the primary's server, and whether the link is paused or cut there." : 'Look at the line to the primary, and at the devices here.',
    };
  }
  return togetherMs >= toldMs && lagMs <= lagLimitMs / 2 ? 'over' : 'unchanged';
}

/** A mirror waits where it is; whether its primary should be there, the primary knows. */
function judgeLink(status: RelationshipStatus, togetherMs: number): Judgement {
  const { role, state, apartMs, reason, mirrorCp } = status;
  if (role === 'mirror' || state === 'paused' || togetherMs >= linkBackMs) return 'over';
  if (hasSession(status) || apartMs < (state === 'error' ? linkErrorMs : linkDownMs)) return 'unchanged';
  return {
    kind: 'link-down',
    level: state === 'error' ? 'problem' : 'warning',
    subject: subjectOf(status),
    // Without a time in it: what is tried again every few seconds is not news.
    text: `The mirror cannot be reached; it stands at CP ${mirrorCp}. ${reason ?? 'It does not answer.'}`,
    next: state === 'error' ? 'See to what it says; it is tried again by itself.' : 'Look at its server and at the line; it is tried again by itself.',
  };
}

function judgeClocks(status: RelationshipStatus): Judgement {
  const { clockAheadMs, peerName = 'the other server' } = status;
  const apartMs = Math.abs(clockAheadMs ?? NaN);
  if (clockAheadMs !== undefined && apartMs > clockSkewMs) {
    return {
      kind: 'clock-skew',
      subject: subjectOf(status),
      text: `The clock of '${peerName}' is about ${minutes(apartMs)} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} the clock here. Nothing is ordered by clocks, so no data is at risk, but times are shown wrong.`,
      next: 'Set both clocks by a time service (NTP).',
    };
  }
  return apartMs < clockSkewEndMs ? 'over' : 'unchanged';
}

/** Coarse, so that the words stay the same while the clocks drift. */
function minutes(ms: number): string {
  const count = Math.round(ms / 60_000);
  return count < 120 ? `${count} minutes` : `${Math.round(count / 60)} hours`;
}
