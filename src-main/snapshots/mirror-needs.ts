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
    // The mirror's own snapshot table lists it until the CP of its deletion arrives there.
    (deletedAtCp > 0 && needs.committedCp < deletedAtCp && needs.committedCp > 0)
  );
}
