import type { PrimaryRelationship, PrimaryRelationshipOptions } from '../replication/index.ts';
import { mirrorRootsMax, type RelationshipSettings } from './settings.ts';

type NotedRoots = NonNullable<RelationshipSettings['mirrorRoots']>;

/** The roots that a mirror can come again with, as settings keep them. */
export function noteRoots({ mirrorRoots }: Pick<PrimaryRelationship, 'mirrorRoots'>): NotedRoots {
  return mirrorRoots.slice(0, mirrorRootsMax).map(({ cp, checksum }) => ({ cp, checksum: checksum.toString(16).padStart(16, '0') }));
}

/** What a relationship begins with after a restart. */
export function beginningOf(settings: RelationshipSettings): Pick<PrimaryRelationshipOptions, 'isBaseDropped' | 'ancestors'> {
  return {
    isBaseDropped: settings.baseDropped !== undefined,
    ancestors: settings.mirrorRoots?.map(({ cp, checksum }) => ({ cp, checksum: BigInt(`0x${checksum}`) })),
  };
}
