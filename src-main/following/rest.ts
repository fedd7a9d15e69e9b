import type { SourceStat } from './source-stat.ts';

/** A file that was changed this short a time ago may be in the middle of it. The coarsest clocks of file systems tick every 2 s. */
const restMs = 2000;

/** A change within one tick of a usual file system's clock could not be told from none. */
const tickMs = 50;

/** A file that never rests is taken as it is after so long, and again when it has rested. */
const restMsMax = 30_000;

const retryMsMax = 60_000;

/** How long a file must be left alone yet; 0 when it has rested. Times ahead of the clock say nothing. */
export function restLeftMs(stat: Pick<SourceStat, 'kind' | 'modifiedNs'>, now: { wallMs: number; waitedMs: number }): number {
  if (stat.kind !== 'file') return 0;
  const leftMs = unrestedMs(stat, now.wallMs);
  return now.waitedMs < restMsMax ? leftMs : Math.max(0, leftMs - restMs + tickMs);
}

/** Whether a change could have come after a read and left the same size and time. */
export function isUnsettled(stat: Pick<SourceStat, 'kind' | 'modifiedNs'>, wallMs: number): boolean {
  return stat.kind === 'file' && unrestedMs(stat, wallMs) > 0;
}

function unrestedMs({ modifiedNs }: Pick<SourceStat, 'modifiedNs'>, wallMs: number): number {
  const sinceMs = wallMs - Number(modifiedNs / 1_000_000n);
  return sinceMs < 0 || sinceMs >= restMs ? 0 : restMs - sinceMs;
}

/** When a file that changed under the reader is tried again. */
export function retryDelayMs(triesBefore: number): number {
  return Math.min(retryMsMax, 1000 * 2 ** Math.min(triesBefore, 10));
}
