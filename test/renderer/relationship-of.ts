import type { RelationshipStatus, ServerStatus } from '../../src-main/contract/index.ts';

/** A primary's end of a relationship that is up to date, but for what a test says. */
export function relationshipOf(parts: Partial<RelationshipStatus> = {}): RelationshipStatus {
  return {
    volume: 'work',
    role: 'primary',
    address: 'tls://192.0.2.20:7400',
    state: 'live',
    peerName: 'office',
    peerIdentity: 'ab'.repeat(32),
    primaryCp: 8,
    mirrorCp: 8,
    lagCps: 0,
    lagBytes: 0,
    lagMs: 0,
    lagLimitMs: 60_000,
    apartMs: 0,
    intervalMs: 30_000,
    loseUpToMs: 30_000,
    sentPerSecond: 2048,
    receivedPerSecond: 100,
    bytesSent: 1 << 20,
    bytesReceived: 4096,
    blocksPushed: 10,
    blocksPulled: 0,
    lastCommittedWallMs: 1_000_000,
    identical: true,
    verdict: { level: 'good', sentence: 'Up to date.' },
    ...parts,
  };
}

export function volumeOf(parts: Partial<ServerStatus['volumes'][number]> = {}): ServerStatus['volumes'][number] {
  return { name: 'work', role: 'primary', state: 'open', devices: ['/srv/work.img'], listen: [], cpIntervalMs: 30_000, durability: 'sync', ...parts };
}
