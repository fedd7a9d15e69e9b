import type { RelationshipStatus } from '../../../src-main/contract/index.ts';

/**
 * How far a first copy is, by what there is to go now and what there was to go
 * at most since somebody looks; undefined while nothing is known.
 */
export function copyProgress({ mirrorCp, lagBytes }: RelationshipStatus, mostBytes: number): { files: number; bytes: number; bytesTotal: number } | undefined {
  if (mirrorCp > 0 || mostBytes <= 0) return undefined;
  return { files: 0, bytes: Math.max(0, mostBytes - lagBytes), bytesTotal: mostBytes };
}

/** Where a first copy stands. */
export type CopyStage = 'waiting' | 'copying' | 'stuck' | 'done';

export function stageOf(link: RelationshipStatus | undefined): CopyStage {
  if (link === undefined) return 'waiting';
  if (link.mirrorCp > 0) return 'done';
  if (link.state === 'error' || link.state === 'paused') return 'stuck';
  return link.state === 'connecting' ? 'waiting' : 'copying';
}
