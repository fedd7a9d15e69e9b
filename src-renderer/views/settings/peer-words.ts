import type { Peer, RelationshipStatus } from '../../../src-main/contract/index.ts';

/** What a paired server is to this one. */
export function peerRoleWords({ roles }: Pick<Peer, 'roles'>): string {
  const words = roles.map((role) => (role === 'primary' ? 'sends volumes to this server' : 'holds mirrors of volumes from here'));
  return words.length === 0 ? 'nothing yet' : words.join(', and ');
}

/** What ends when a server is revoked, one by one. */
export function endsWith(peer: Pick<Peer, 'identity' | 'name'>, relationships: readonly RelationshipStatus[]): string[] {
  const shared = relationships.filter(({ peerIdentity }) => peerIdentity === peer.identity);
  const ends = shared.map(({ role, volume, address }) =>
    role === 'primary'
      ? `'${volume}' is not mirrored to '${peer.name}' any more (${address}).`
      : `'${volume}' does not follow '${peer.name}' any more; it stays as it is at its last CP.`,
  );
  return [
    ...(ends.length === 0 ? ['No volume is mirrored between the two now.'] : ends),
    `'${peer.name}' cannot look at volumes here, and its links are cut at once.`,
    'Files on both machines stay. Only a new invitation brings the server back.',
  ];
}
