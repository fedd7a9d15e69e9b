/** What a relationship's mirror has, may have, and reads. */
export interface MirrorNeeds {
  /** The mirror's last committed CP; 0 when it has none. */
  committedCp: number;
  /** CPs of views open on the mirror. */
  neededCps: readonly number[];
  /** Roots sent and not yet acknowledged. */
  inFlightCps: readonly number[];
}

/** Needs of a relationship: `unknown` until its mirror has said what it has. */
export type KnownNeeds = MirrorNeeds | 'unknown';

/** Whether a mirror can still show the root of a CP, which lost its last name in `deletedAtCp` (0: it had none). */
export function mirrorNeeds(needs: KnownNeeds, cp: number, deletedAtCp: number): boolean {
  if (needs === 'unknown') return true;
  return (
    cp === needs.committedCp ||
    needs.neededCps.includes(cp) ||
    needs.inFlightCps.includes(cp) ||
    // The snapshot table of a root that the mirror has, or is receiving, lists it if that root is older than its deletion.
    [needs.committedCp, ...needs.inFlightCps].some((mirrorCp) => mirrorCp > 0 && mirrorCp < deletedAtCp)
  );
}
