import type { Command } from 'commander';
import type { JobStatus } from '../../contract/index.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { progressWords } from './job-following.ts';
import { table } from './output.ts';
import { formatTime } from './values.ts';

function endWords({ fault, outcome, problemCount }: JobStatus): string {
  const why = fault === undefined ? '' : `${fault.message} [${fault.code}] `;
  const left = problemCount === 0 || outcome?.includes('left out') === true ? '' : ` ${problemCount} entries were left out.`;
  return `${why}${outcome ?? ''}${left}`.trim();
}

function jobLines(jobs: readonly JobStatus[]): string[] {
  if (jobs.length === 0) return ['There are no jobs.'];
  const rows = jobs.map((job) => [job.jobId, formatTime(job.startedWallMs), job.kind, job.state, job.subject, job.state === 'running' ? progressWords(job) : endWords(job)]);
  return table(['ID', 'BEGAN', 'KIND', 'STATE', 'WHAT', ''], rows);
}

/** A line whenever a job begins or ends; how far those are that run, beside that. */
async function watchJobs({ output, withClient, signal }: CommandContext): Promise<void> {
  const known = new Map<string, JobStatus['state']>();
  const show = (jobs: readonly JobStatus[]): void => {
    for (const job of jobs.toReversed()) {
      if (known.get(job.jobId) === job.state) continue;
      known.set(job.jobId, job.state);
      output.line(`${job.jobId} ${job.kind} of ${job.subject}: ${job.state}${job.state === 'running' ? '' : `. ${endWords(job)}`}`);
    }
    for (const jobId of known.keys()) if (!jobs.some((job) => job.jobId === jobId)) known.delete(jobId);
    const running = jobs.filter(({ state }) => state === 'running');
    output.progress(running.map((job) => `${job.kind}: ${progressWords(job)}`).join('; '));
  };
  await withClient(
    async (client) => {
      try {
        for await (const { jobs } of eventsOf(client.jobs.watch({}), signal)) {
          if (output.json) output.item({ jobs }, () => []);
          else show(jobs);
        }
      } catch (thrown) {
        // Ctrl-C is how one stops watching.
        if (!signal.aborted) throw thrown;
      }
    },
    { needsServer: true },
  );
}

export function addJobCommands(program: Command, surroundings: Surroundings): void {
  const jobs = program.command('jobs').description('long work of the server: what runs, what ended, and an end before its time');
  addCommand<[]>(
    jobs,
    surroundings,
    { usage: 'list', summary: 'show the jobs that run, and the last that ended' },
    (command) => command,
    async ({ output, withClient }) => {
      const { jobs: all } = await withClient((client) => client.jobs.list({}));
      output.result(all, () => jobLines(all));
    },
  );
  addCommand<[]>(
    jobs,
    surroundings,
    { usage: 'watch', summary: 'show each job that begins and ends, until Ctrl-C' },
    (command) => command,
    async (context) => watchJobs(context),
  );
  addCommand<[string]>(
    jobs,
    surroundings,
    { usage: 'cancel <id>', summary: 'end a job; what it had finished stays, and nothing is left half-way' },
    (command) => command,
    async ({ output, withClient }, _options, jobId) => {
      const job = await withClient((client) => client.jobs.cancel({ jobId }), { needsServer: true });
      output.result(job, () => [`${job.state}: ${endWords(job)}`]);
    },
  );
}
