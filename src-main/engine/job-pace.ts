import type { JobProgress } from '../contract/index.ts';

/** How far a job was at a moment of the monotonic clock. */
export interface PaceSample {
  readonly atMs: number;
  readonly files: number;
  readonly bytes: number;
}

/** A pace is not told before it was looked at for so long. */
const spanMsMin = 2000;

/** The pace over the time that the samples span. */
function paceOf(samples: readonly PaceSample[]): { bytesPerMs: number; filesPerMs: number } | undefined {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const spanMs = last.atMs - first.atMs;
  if (spanMs < spanMsMin) return undefined;
  return { bytesPerMs: (last.bytes - first.bytes) / spanMs, filesPerMs: (last.files - first.files) / spanMs };
}

/** How long what is left takes at a pace; undefined when that cannot be said. */
function timeFor(done: number, total: number | undefined, perMs: number): number | undefined {
  if (total === undefined) return undefined;
  if (done >= total) return 0;
  return perMs > 0 ? (total - done) / perMs : undefined;
}

/**
 * The rate of a job, and how long it will take, from how far it was at the last
 * moments, oldest first. Bytes tell better than files, as long as there are any
 * to come. What is not known is left out.
 */
export function pace(
  samples: readonly PaceSample[],
  progress: Pick<JobProgress, 'files' | 'bytes' | 'filesTotal' | 'bytesTotal'>,
): { bytesPerSecond?: number; leftMs?: number } {
  const known = paceOf(samples);
  if (known === undefined) return {};
  const { files, bytes, filesTotal, bytesTotal } = progress;
  const areBytesLeft = bytesTotal !== undefined && bytes < bytesTotal;
  const leftMs = areBytesLeft || filesTotal === undefined ? timeFor(bytes, bytesTotal, known.bytesPerMs) : timeFor(files, filesTotal, known.filesPerMs);
  return { bytesPerSecond: known.bytesPerMs * 1000, ...(leftMs !== undefined && { leftMs }) };
}
