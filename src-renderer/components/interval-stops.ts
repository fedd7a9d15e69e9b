const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** The times between CPs that the slider stops at, from a second to a day. */
export const intervalStopsMs: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 4, 8, 12, 24].map((count) => count * hour),
];

/** The stop that is nearest to a time, as its place among the stops; times are far apart as their ratios are. */
export function nearestStop(ms: number): number {
  const within = Math.min(Math.max(1, ms), intervalStopsMs.at(-1) ?? 1);
  const distances = intervalStopsMs.map((stop) => Math.abs(Math.log(stop / within)));
  return distances.indexOf(Math.min(...distances));
}

/** A round time in words: `30 seconds`, `1 hour`. */
export function timeWords(ms: number): string {
  for (const [unit, name] of [[24 * hour, 'day'], [hour, 'hour'], [minute, 'minute'], [second, 'second']] as const) {
    if (ms >= unit && ms % unit === 0) return `${ms / unit} ${name}${ms === unit ? '' : 's'}`;
  }
  return `${ms / second} seconds`;
}

/** How often something comes: `every 30 seconds`, `every hour`. */
export function everyWords(ms: number): string {
  const time = timeWords(ms);
  return `every ${time.startsWith('1 ') ? time.slice(2) : time}`;
}
