import type { Volume } from '../volume/index.ts';

/** With more than this waiting, a CP is cheaper than writing it all to the journal first. */
const journalledBytesMax = 4 << 20;

/** Resolves when everything done so far survives a crash. */
export async function makeDurable(volume: Volume): Promise<void> {
  if (volume.status().waitingBytes > journalledBytesMax) await volume.takeCp('sync');
  else await volume.sync();
}
