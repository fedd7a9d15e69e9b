import { formatDuration, type JobKind, type JobStatus, type Verdict } from '../../../src-main/contract/index.ts';

/** What each kind of long work is called. */
export const jobKindWords: Readonly<Record<JobKind, string>> = {
  put: 'Bring in',
  get: 'Take out',
  compare: 'Compare',
  remove: 'Remove',
  check: 'Check a volume',
  'replace-device': 'Replace a device',
  'switch-over': 'Switch over',
  restore: 'Restore',
  download: 'Download',
  follow: 'Follow a folder',
};

interface StateWords {
  readonly level: Verdict['level'];
  readonly word: string;
}

/** How a job stands or ended. Work that left something out is not simply done. */
export function jobStateWords({ state, problemCount }: Pick<JobStatus, 'state' | 'problemCount'>): StateWords {
  switch (state) {
    case 'running':
      return { level: 'working', word: 'Running' };
    case 'done':
      return problemCount === 0 ? { level: 'good', word: 'Done' } : { level: 'attention', word: 'Done, not all of it' };
    case 'cancelled':
      return { level: 'attention', word: 'Cancelled' };
    case 'failed':
      return { level: 'problem', word: 'Failed' };
  }
}

/** What becomes of a job when this window is closed. */
export function closingWords({ isDetached }: Pick<JobStatus, 'isDetached'>): string {
  return isDetached ? 'It is safe to close this window: the work goes on in the server.' : 'It ends with the window or the command that began it.';
}

/** How long a job took; undefined while it runs. */
export function jobDuration({ startedWallMs, endedWallMs }: Pick<JobStatus, 'startedWallMs' | 'endedWallMs'>): string | undefined {
  return endedWallMs === undefined ? undefined : formatDuration(Math.max(0, endedWallMs - startedWallMs));
}

/** From 0 to 1; undefined while the end is not known. */
export function shareOf({ bytes, bytesTotal, files, filesTotal }: JobStatus['progress']): number | undefined {
  if (bytesTotal !== undefined && bytesTotal > 0) return Math.min(1, bytes / bytesTotal);
  return filesTotal !== undefined && filesTotal > 0 ? Math.min(1, files / filesTotal) : undefined;
}
