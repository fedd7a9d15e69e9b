import type { PrimaryServer } from './simulated-servers.ts';

/** Shares of a volume: what may be kept for one mirror, and what is free meanwhile. */
const heldShareMax = 0.2;
const freeBlocksMin = 60;

/**
 * Bounds what is kept for mirrors that are away, as the engine does: without
 * that, a primary would be full for a mirror's sake.
 */
export function boundHolds({ volume, relationships, host }: PrimaryServer, dropBase: (relationshipId: string) => void): void {
  const letGo = (isEnough: (heldBlocks: number) => boolean): boolean => {
    const held = relationships
      .map((relationship) => ({ relationship, ...volume.space.heldFor(relationship.relationshipId) }))
      .filter(({ relationship, blocks }) => blocks > 0 && !relationship.isBaseDropped && isEnough(blocks))
      .sort((a, b) => Number(a.relationship.isConnected) - Number(b.relationship.isConnected) || b.blocks - a.blocks);
    if (held[0] === undefined || !host.isAlive) return false;
    dropBase(held[0].relationship.relationshipId);
    return true;
  };
  volume.space.setRoomMaker(async () => {
    await volume.space.measure();
    return letGo(() => true);
  });
  volume.space.onMeasured(() => {
    const { blockCount, freeBlockCount } = volume.status();
    host.setTimer(0, () => letGo((blocks) => blocks >= blockCount * heldShareMax || freeBlockCount < freeBlocksMin));
  });
}
