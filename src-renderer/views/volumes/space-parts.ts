import type { SpaceReport } from '../../../src-main/contract/index.ts';
import type { BarPart } from '../../components/index.ts';

/** What the room of a volume is made of. What two mirrors both need counts for each, so that then the two kinds are one part. */
export function spaceParts({ liveBytes, keptBytes, freeBytes, holders }: SpaceReport): BarPart[] {
  const live = { label: 'Live files', bytes: liveBytes, fill: 'solid', colour: '--mp-accent', hint: 'as they are now, with the volume’s own maps' } as const;
  const free = { label: 'Free', bytes: freeBytes, fill: 'none', colour: '--mp-surface-sunken' } as const;
  const heldBytes = holders.reduce((sum, { bytes }) => sum + bytes, 0);
  if (holders.length > 1 && heldBytes > 0) {
    return [live, { label: 'Snapshots, mirrors and readers', bytes: keptBytes, fill: 'stripes', colour: '--mp-working', hint: 'overwritten or deleted, and still kept' }, free];
  }
  const kept = Math.max(0, keptBytes - heldBytes);
  return [
    live,
    { label: 'Snapshots', bytes: kept, fill: 'stripes', colour: '--mp-working', hint: 'overwritten or deleted since' },
    { label: 'Held', bytes: keptBytes - kept, fill: 'dots', colour: '--mp-attention', hint: 'for a mirror or a reader alone' },
    free,
  ];
}

/** Snapshots by what each alone keeps, the largest first. */
export function byUniqueBytes(snapshots: SpaceReport['snapshots']): SpaceReport['snapshots'] {
  return [...snapshots].sort((one, other) => other.uniqueBytes - one.uniqueBytes || one.cp - other.cp);
}
