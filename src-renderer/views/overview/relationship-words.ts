import { formatBytes, formatDuration, type RelationshipStatus } from '../../../src-main/contract/index.ts';
import { formatRate, plural } from '../../composables/index.ts';

/** One of the two machines of a relationship. */
export interface Machine {
  readonly name: string;
  readonly isHere: boolean;
  /** The volume there, where it is known here. */
  readonly volume?: string;
  readonly address?: string;
}

/** Who is mirrored to whom, in one sentence and to be drawn. */
export interface Direction {
  readonly sentence: string;
  readonly primary: Machine;
  readonly mirror: Machine;
}

/** A relationship that the other server opens is called by that server's identity. */
const isIdentity = /^[0-9a-f]{32,64}$/;

/** Where the link of a relationship leads or is waited for; undefined where that is not known here. */
export function addressIn(address: string): string | undefined {
  return address === '' || isIdentity.test(address) ? undefined : address;
}

export function directionOf({ volume, role, peerName, address: known }: RelationshipStatus, serverName: string): Direction {
  const address = addressIn(known);
  const here: Machine = { name: serverName, isHere: true, volume };
  if (role === 'primary') {
    const name = peerName ?? 'its mirror';
    const to = peerName === undefined ? 'a server that has not said its name yet' : `'${name}'`;
    return {
      sentence: `'${volume}' on '${serverName}', this server, is mirrored to ${to}${address === undefined ? '' : ` at ${address}`}.`,
      primary: here,
      mirror: { name, isHere: false, ...(address !== undefined && { address }) },
    };
  }
  const name = peerName ?? 'its primary';
  return {
    sentence: `'${volume}' on '${serverName}', this server, follows ${peerName === undefined ? 'its primary, which has not come yet' : `'${name}'`}.`,
    primary: { name, isHere: false },
    mirror: { ...here, ...(address !== undefined && { address }) },
  };
}

/** A figure of a card, as the server measured it. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly detail?: string;
  /** When it was so. */
  readonly wallMs?: number;
}

/** Whether the two sides speak with each other. */
export function hasSession({ state }: Pick<RelationshipStatus, 'state'>): boolean {
  return state === 'live' || state === 'catching-up' || state === 'baseline';
}

/** Whether it is known here how far the mirror is: a primary knows what the mirror had last, a mirror while the two speak. */
export function isLagKnown(status: Pick<RelationshipStatus, 'role' | 'state' | 'primaryCp' | 'mirrorCp'>): boolean {
  return status.role === 'primary' ? status.primaryCp > 0 || status.mirrorCp > 0 : hasSession(status);
}

function lagFigure(status: RelationshipStatus): Figure {
  const { lagCps, lagMs, lagBytes } = status;
  const label = 'Behind by';
  if (!isLagKnown(status)) return { label, value: 'Not known', detail: 'until the two speak again' };
  if (lagCps === 0) return { label, value: '0 s', detail: '0 B' };
  return { label, value: formatDuration(lagMs), detail: `${formatBytes(lagBytes)} in ${plural(lagCps, 'CP')}` };
}

function mirroredFigure({ mirrorCp, lastCommittedWallMs, identical }: RelationshipStatus): Figure {
  const label = 'Last mirrored CP';
  if (mirrorCp === 0) return { label, value: 'None yet', detail: 'the first copy is not whole' };
  return { label, value: `CP ${mirrorCp}`, wallMs: lastCommittedWallMs, ...(identical && { detail: 'proven identical' }) };
}

function throughputFigure({ role, sentPerSecond, receivedPerSecond, limitBytesPerSecond }: RelationshipStatus): Figure {
  const value = formatRate(role === 'primary' ? sentPerSecond : receivedPerSecond);
  if (role === 'mirror') return { label: 'Receiving', value };
  return { label: 'Sending', value, detail: limitBytesPerSecond === undefined ? 'no limit' : `at most ${formatRate(limitBytesPerSecond)}` };
}

function lossFigure({ loseUpToMs, intervalMs }: RelationshipStatus): Figure {
  const label = 'You can lose up to';
  const every = intervalMs > 0 ? `a CP every ${formatDuration(intervalMs)}` : 'no CPs by time';
  return loseUpToMs === undefined ? { label, value: 'Not known', detail: every } : { label, value: formatDuration(loseUpToMs), detail: every };
}

function silenceFigure(status: RelationshipStatus): Figure {
  const label = 'Heard from its primary';
  if (hasSession(status)) return { label, value: 'Now' };
  return { label, value: `${formatDuration(status.apartMs)} ago`, detail: `an alert from ${formatDuration(status.lagLimitMs)} on` };
}

function holdFigures({ hold }: RelationshipStatus): Figure[] {
  if (hold === undefined || hold.heldBytes === 0) return [];
  return [{ label: 'Kept for the mirror', value: formatBytes(hold.heldBytes), detail: `since CP ${hold.heldSinceCp}, at most ${formatBytes(hold.heldCapBytes)}` }];
}

/** What is measured of a relationship, the most telling first. */
export function figuresOf(status: RelationshipStatus): Figure[] {
  const own = status.role === 'primary' ? lossFigure(status) : silenceFigure(status);
  return [lagFigure(status), own, mirroredFigure(status), throughputFigure(status), ...holdFigures(status)];
}
