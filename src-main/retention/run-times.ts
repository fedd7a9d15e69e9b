import { firstMondayMs } from './keep-rules.ts';

/**
 * What a look at the clock says of a schedule that runs at the multiples of its
 * interval: how many runs fell due since the last look that counted, and from when
 * on to count next. However many were missed, they are made up for by one. Where
 * the clock was set back it is counted anew from there, so that the next run is at
 * most one interval away by that clock, and none comes twice for it.
 */
export function lookAtSchedule(everyMs: number, at: { lastMs: number; nowMs: number }): { due: number; lastMs: number } {
  const { lastMs, nowMs } = at;
  if (nowMs < lastMs) return { due: 0, lastMs: nowMs };
  const due = runOf(everyMs, nowMs) - runOf(everyMs, lastMs);
  return { due, lastMs: due > 0 ? nowMs : lastMs };
}

/** When the next run after a time falls due, milliseconds since 1970 UTC. */
export function nextRunMs(everyMs: number, afterMs: number): number {
  return firstMondayMs + (runOf(everyMs, afterMs) + 1) * everyMs;
}

function runOf(everyMs: number, timeMs: number): number {
  return Math.floor((timeMs - firstMondayMs) / everyMs);
}
