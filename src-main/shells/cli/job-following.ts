import { formatBytes, isFault, MirrorpointError } from '../../base/index.ts';
import type { JobStatus, MirrorpointClient } from '../../contract/index.ts';
import { type CommandContext, eventsOf } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { formatDuration } from './values.ts';

/** How far a job is, in a few words. */
export function progressWords({ progress, bytesPerSecond, leftMs }: JobStatus): string {
  const { files, bytes, filesTotal, bytesTotal } = progress;
  const done = `${files}${filesTotal === undefined ? '' : ` of ${filesTotal}`} files, ${formatBytes(bytes)}${bytesTotal === undefined ? '' : ` of ${formatBytes(bytesTotal)}`}`;
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  return `${done}${rate}${leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`}`;
}

/** Follows a job to its end; Ctrl-C cancels it, and waits until it has stopped. */
export async function followJob({ output, signal }: CommandContext, client: MirrorpointClient, jobId: string): Promise<JobStatus> {
  try {
    for await (const { jobs } of eventsOf(client.jobs.watch({ intervalMs: 200 }), signal)) {
      const job = jobs.find((one) => one.jobId === jobId);
      if (job === undefined) break;
      if (job.state !== 'running') return job;
      output.progress(`${progressWords(job)}  ${job.progress.current ?? ''}`);
    }
  } catch (fault) {
    if (!signal.aborted || !isFault(fault, 'cancelled')) throw fault;
    return client.jobs.cancel({ jobId });
  }
  throw new MirrorpointError('link-closed', 'The server ended before the job did, which it cancelled. What was finished before stays.');
}

/** Shows how a job ended. Throws the fault that ended it. */
export function showEnd({ output, exitWith }: CommandContext, job: JobStatus): void {
  const { state, outcome = '', problems, problemCount, fault } = job;
  for (const { message, code } of problems) output.note(`${message} [${code}]`);
  if (problemCount > problems.length) output.note(`${problemCount - problems.length} more entries were left out.`);
  if (problemCount > 0) exitWith(exitCodes.incomplete);
  if (state === 'done') {
    output.result(job, () => [outcome]);
    return;
  }
  if (output.json) output.result(job, () => []);
  else if (state === 'failed' && outcome !== '') output.note(outcome);
  if (fault !== undefined) throw new MirrorpointError(fault.code, fault.message);
  throw new MirrorpointError(state === 'cancelled' ? 'cancelled' : 'unsupported', outcome);
}
