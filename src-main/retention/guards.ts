/** What is known of a volume's snapshots beyond their table. */
export interface SnapshotKnowledge {
  /** CPs that mirrors have, or may have, as their last. */
  readonly mirrorCps: readonly number[];
  /** CPs of snapshots in which blocks are lost that no side has any more. */
  readonly damagedCps: ReadonlySet<number>;
}

/** Of snapshots' CPs in rising order, those that are the newest that a mirror has too. */
export function lastCommonCps(cps: readonly number[], mirrorCps: readonly number[]): Set<number> {
  const common = mirrorCps.map((mirrorCp) => cps.findLast((cp) => cp <= mirrorCp));
  return new Set(common.filter((cp) => cp !== undefined));
}

/** Of snapshots' CPs in rising order, the newest that is not known to be damaged. */
export function lastGoodCp(cps: readonly number[], damagedCps: ReadonlySet<number>): number | undefined {
  return cps.findLast((cp) => !damagedCps.has(cp));
}
