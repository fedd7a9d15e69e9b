import type { Peer, PeerStatus, RelationshipStatus, Role, ServerStatus } from '../../../src-main/contract/index.ts';

/** A volume whose states can be looked at, here or on a paired server. */
export interface VolumeChoice {
  readonly volume: string;
  /** What the paired server is asked by; undefined for a volume of this server. */
  readonly peer: string | undefined;
  readonly serverName: string;
  readonly role: Role;
  /** Why nothing can be seen of it. */
  readonly refusal: string | undefined;
  /** The last CP, and when it was. */
  readonly cp: number | undefined;
  readonly cpWallMs: number | undefined;
  /** The volume of this server that has the same content as its other copy, or is it. */
  readonly counterpart: string | undefined;
}

/** A paired server that was asked for its volumes. */
export interface AskedPeer {
  readonly identity: string;
  readonly name: string;
  readonly about: PeerStatus | undefined;
  /** Why it did not answer. */
  readonly refusal: string | undefined;
}

export function choiceKey({ volume, peer }: Pick<VolumeChoice, 'volume' | 'peer'>): string {
  return peer === undefined ? volume : `${volume} ${peer}`;
}

export function ownChoices(status: Pick<ServerStatus, 'serverName' | 'volumes'>): VolumeChoice[] {
  return status.volumes.map(({ name, role, state, fault, cp, cpWallMs }) => ({
    volume: name,
    peer: undefined,
    serverName: status.serverName,
    role,
    refusal: state === 'open' ? undefined : (fault?.message ?? 'It is not open.'),
    cp,
    cpWallMs,
    counterpart: name,
  }));
}

type End = Pick<RelationshipStatus, 'volume' | 'peerIdentity' | 'rootChecksum'>;

/**
 * Which volume here a paired server's is the other copy of: the only one that
 * the two share, or the one whose root is proven the same.
 */
export function counterpartOf(theirs: string, their: readonly End[], own: readonly End[]): string | undefined {
  const ownNames = new Set(own.map(({ volume }) => volume));
  const theirNames = new Set(their.map(({ volume }) => volume));
  if (ownNames.size === 1 && theirNames.size === 1) return own[0]?.volume;
  const root = their.find(({ volume }) => volume === theirs)?.rootChecksum;
  return root === undefined ? undefined : own.find(({ rootChecksum }) => rootChecksum === root)?.volume;
}

export function peerChoices({ identity, name, about }: AskedPeer, own: readonly End[]): VolumeChoice[] {
  if (about === undefined) return [];
  const ours = own.filter(({ peerIdentity }) => peerIdentity === identity);
  return about.volumes.map(({ name: volume, role, state, cp, cpWallMs }) => ({
    volume,
    peer: name,
    serverName: name,
    role,
    refusal: state === 'open' ? undefined : 'It is not open there.',
    cp,
    cpWallMs,
    counterpart: counterpartOf(volume, about.relationships, ours),
  }));
}

/** The paired servers that share a volume with this one, by what they are asked by. */
export function sharingPeers(relationships: readonly Pick<RelationshipStatus, 'peerIdentity'>[], peers: readonly Peer[]): Pick<AskedPeer, 'identity' | 'name'>[] {
  const identities = new Set(relationships.flatMap(({ peerIdentity }) => peerIdentity ?? []));
  return [...identities].flatMap((identity) => {
    const peer = peers.find((one) => one.identity === identity && one.revokedWallMs === undefined);
    return peer === undefined ? [] : [{ identity, name: peer.name }];
  });
}

/** The volume to restore into: the one that was asked for, the counterpart of what is shown, or the first that takes changes. */
export function targetFor(shown: VolumeChoice | undefined, own: readonly VolumeChoice[], asked?: string): VolumeChoice | undefined {
  const writable = own.filter(({ role, refusal }) => role === 'primary' && refusal === undefined);
  const named = (name: string | undefined): VolumeChoice | undefined => writable.find(({ volume }) => volume === name);
  return named(asked) ?? named(shown?.counterpart) ?? writable[0];
}
