/** A duration for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** A wall-clock time in the form of ISO 8601, to the second. */
export function formatTime(wallMs: number): string {
  return wallMs === 0 ? '-' : `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
