const journalBytesMin = 1 << 20;
const journalBytesMax = 32 << 20;

/** The part of a small volume that its journal takes. */
const journalShare = 1 / 32;

/** Bytes of journal for devices of a size: enough for a burst of synced writes, and never much of a small volume. */
export function journalBytesFor(sizeBytes: number): number {
  return Math.min(journalBytesMax, Math.max(journalBytesMin, Math.floor(sizeBytes * journalShare)));
}
