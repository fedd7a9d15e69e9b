import type { Peer, RelationshipStatus, Role, ServerStatus } from '../../../src-main/contract/index.ts';

type Volume = ServerStatus['volumes'][number];

/** What was chosen on the way, kept while the window is closed. */
export interface PairingDraft {
  readonly side: 'mirror' | 'primary';
  /** The server that it was chosen on. */
  readonly serverId: string;
  readonly volume?: string;
  /** The identity of the other server. */
  readonly peer?: string;
  /** Where the mirror's server was reached. */
  readonly address?: string;
}

export const mirrorSteps = ['place', 'pair', 'copy'] as const;
export const primarySteps = ['place', 'pair', 'link', 'copy'] as const;
export type PairingStep = (typeof primarySteps)[number];

/** What the server says of what was chosen. */
export interface PairingFacts {
  readonly volumes: readonly Volume[];
  readonly peers: readonly Peer[];
  readonly relationships: readonly RelationshipStatus[];
}

/** What the other server is to be to this one. */
export function roleOfOther(side: PairingDraft['side']): Role {
  return side === 'mirror' ? 'primary' : 'mirror';
}

/** Paired servers that may be what the other side is to be, and were not revoked. */
export function partners(peers: readonly Peer[], side: PairingDraft['side']): Peer[] {
  return peers.filter(({ roles, revokedWallMs }) => revokedWallMs === undefined && roles.includes(roleOfOther(side)));
}

/** The volumes that can be chosen: of the right role, in service, no clones. */
export function choosable(volumes: readonly Volume[], side: PairingDraft['side']): Volume[] {
  return volumes.filter(({ role, state, cloneOf }) => role === side && state === 'open' && cloneOf === undefined);
}

/** A mirror that waits for its primary, and has nothing yet. */
export function isUnfilled({ name }: Volume, relationships: readonly RelationshipStatus[]): boolean {
  return !relationships.some((one) => one.volume === name && one.mirrorCp > 0);
}

/** The relationship that this pairing is about, once there is one. */
export function linkOf({ side, volume, peer, address }: PairingDraft, relationships: readonly RelationshipStatus[]): RelationshipStatus | undefined {
  const own = relationships.filter((one) => one.volume === volume && one.role === side);
  if (side === 'mirror') return own[0];
  const byPeer = peer === undefined ? undefined : own.find((one) => one.peerIdentity === peer);
  return byPeer ?? (address === undefined ? undefined : own.find((one) => one.address === address));
}

/** The first step that is not done: so a pairing goes on where it was, whatever happened to the window. */
export function currentStep(draft: PairingDraft, { volumes, peers, relationships }: PairingFacts): PairingStep {
  if (!choosable(volumes, draft.side).some(({ name }) => name === draft.volume)) return 'place';
  const link = linkOf(draft, relationships);
  if (draft.side === 'primary' && link !== undefined) return 'copy';
  if (draft.side === 'mirror' && link !== undefined && (link.peerIdentity !== undefined || link.mirrorCp > 0)) return 'copy';
  if (!partners(peers, draft.side).some(({ identity }) => identity === draft.peer)) return 'pair';
  return draft.side === 'mirror' ? 'copy' : 'link';
}

/** Whether the first copy is whole. */
export function isCopied(link: RelationshipStatus | undefined): boolean {
  return link !== undefined && link.mirrorCp > 0;
}

/** A draft as it was kept, if it is one and of this server. */
export function readDraft(text: string | null, serverId: string): PairingDraft | undefined {
  if (text === null) return undefined;
  try {
    const draft = JSON.parse(text) as Partial<PairingDraft>;
    const isDraft = (draft.side === 'mirror' || draft.side === 'primary') && draft.serverId === serverId;
    return isDraft && [draft.volume, draft.peer, draft.address].every((one) => one === undefined || typeof one === 'string') ? (draft as PairingDraft) : undefined;
  } catch {
    return undefined;
  }
}
