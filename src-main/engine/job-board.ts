import { type CancelTimer, type Clock, formatBytes, isFault, MirrorpointError, type RandomSource, reasonOf, toHex } from '../base/index.ts';
import { counted, endedJobsMax, type JobKind, type JobProblem, type JobProgress, jobsMax, type JobStatus } from '../contract/index.ts';
import { Job, type JobEnd } from './job.ts';
import { pace, type PaceSample } from './job-pace.ts';

/** How often a listener hears of progress. */
const progressIntervalMs = 200;

/** How often the jobs that run are looked at, and how many looks their pace goes by. */
const lookIntervalMs = 500;
const looksMax = 20;

/** What a job is about. */
export interface JobSubject {
  readonly kind: JobKind;
  /** What it works on, in a few words. */
  readonly subject: string;
  readonly volume?: string | undefined;
}

/** A job that goes on without a listener. */
export interface DetachedJob extends JobSubject {
  /** The volumes that it works with: it ends before one of them is closed. */
  readonly uses: readonly string[];
}

/** The last event of a job. */
export type JobDone<Result> = Result & JobEnd & { readonly type: 'done' };

type Outcome<Result> = { result: Result } | { fault: unknown };

interface Running {
  readonly jobId: string;
  readonly job: Job<unknown>;
  readonly about: JobSubject;
  readonly startedWallMs: number;
  readonly startedMs: number;
  /** Of a detached job, the volumes that it works with. */
  readonly uses: readonly string[] | undefined;
  readonly samples: PaceSample[];
  ended: Promise<void>;
}

/** The jobs of a server: those that run, those that ended, and their orderly end. */
export class JobBoard {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #onDetachedEnd: (status: JobStatus, fault: unknown) => void;
  readonly #running = new Map<string, Running>();
  /** The oldest first. */
  readonly #ended: JobStatus[] = [];
  readonly #listeners = new Set<() => void>();
  #cancelLook: CancelTimer | undefined;
  #isClosed = false;

  /** `onDetachedEnd` hears of the end of each job that goes on by itself, and of the fault that ended it. */
  constructor(options: { clock: Clock; random: RandomSource; onDetachedEnd?: (status: JobStatus, fault: unknown) => void }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onDetachedEnd = options.onDetachedEnd ?? (() => undefined);
  }

  /** Those that run, and the last that ended; the newest first. */
  get all(): JobStatus[] {
    const running = [...this.#running.values()].map((one) => this.#statusOf(one, 'running'));
    return [...this.#ended, ...running].reverse().sort((a, b) => b.startedWallMs - a.startedWallMs);
  }

  /** Calls the listener when a job begins, moves on or ends; the result ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Runs the work while someone listens to its events. They end with what the
   * work returned. A listener that stops listening cancels the work, and its
   * `return` resolves when the work has stopped. `outcome` says what came of it.
   */
  async *run<Item, Result extends object>(
    about: JobSubject,
    work: (job: Job<Item>) => Promise<Result>,
    outcome?: (result: Result, end: JobEnd) => string,
  ): AsyncGenerator<Item | JobProblem | JobProgress | JobDone<Result>, void, void> {
    const job = new Job<Item>({ isHeard: true });
    let state: Outcome<Result> | undefined;
    const running = this.#begin(about, job);
    running.ended = this.#follow(running, work(job), outcome).then((end) => {
      state = end;
      job.wakeListener();
    });
    const current = (): Outcome<Result> | undefined => state;
    try {
      for (;;) {
        for (let item = job.take(); item !== undefined; item = job.take()) yield item;
        const end = current();
        if (end !== undefined) {
          if ('fault' in end) throw end.fault;
          const durationMs = this.#clock.monotonicMs() - running.startedMs;
          const done: JobDone<Result> = { ...end.result, type: 'done', durationMs, problemCount: job.problemCount };
          yield done as Awaited<typeof done>;
          return;
        }
        await job.wait(this.#clock, progressIntervalMs);
        if (current() === undefined) yield { type: 'progress', ...job.counts };
      }
    } finally {
      job.cancel('Nobody listens to the work any more; what was finished before stays.');
      await running.ended;
    }
  }

  /** Runs work whose events nobody hears, while the caller waits for it. */
  async attend<Result>(about: JobSubject, work: (job: Job) => Promise<Result>, outcome?: (result: Result, end: JobEnd) => string): Promise<Result> {
    const job = new Job({ isHeard: false });
    const running = this.#begin(about, job);
    const following = this.#follow(running, work(job), outcome);
    running.ended = following.then(() => undefined);
    const end = await following;
    if ('fault' in end) throw end.fault;
    return end.result;
  }

  /** Starts work that goes on by itself. Returns the job's id. */
  start<Result>(about: DetachedJob, work: (job: Job) => Promise<Result>, outcome: (result: Result, end: JobEnd) => string): string {
    const job = new Job({ isHeard: false });
    const running = this.#begin(about, job, about.uses);
    running.ended = this.#follow(running, work(job), outcome).then(() => undefined);
    return running.jobId;
  }

  /** Asks a job to end; resolves when the work has stopped. Throws `not-found`. */
  async cancel(jobId: string): Promise<JobStatus> {
    const running = this.#running.get(jobId);
    running?.job.cancel();
    await running?.ended;
    const ended = this.#ended.find((status) => status.jobId === jobId);
    if (ended !== undefined) return ended;
    throw new MirrorpointError('not-found', `There is no job ${jobId}; it may have ended long ago. List the jobs.`);
  }

  /** Ends the detached jobs that work with a volume, which is about to be closed. */
  async endOf(volume: string): Promise<void> {
    const concerned = [...this.#running.values()].filter(({ uses }) => uses?.includes(volume) === true);
    for (const { job } of concerned) job.cancel(`Volume ${volume} was closed, or changes its role; what was finished before stays.`);
    await Promise.all(concerned.map(({ ended }) => ended));
  }

  /** Cancels every job and waits for their ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = [...this.#running.values()];
    for (const { job } of running) job.cancel('The server ends; what was finished before stays.');
    await Promise.all(running.map(({ ended }) => ended));
    this.#cancelLook?.();
  }

  #begin(about: JobSubject, job: Job<unknown>, uses?: readonly string[]): Running {
    if (this.#isClosed) throw new MirrorpointError('cancelled', 'The server ends, and begins nothing any more.');
    if (this.#running.size >= jobsMax) {
      throw new MirrorpointError('argument-invalid', `${jobsMax} jobs run already. Wait for one to end, or cancel one.`);
    }
    const startedMs = this.#clock.monotonicMs();
    const running: Running = {
      jobId: toHex(this.#random.bytes(8)),
      job,
      about,
      startedWallMs: this.#clock.wallMs(),
      startedMs,
      uses,
      samples: [{ atMs: startedMs, files: 0, bytes: 0 }],
      ended: Promise.resolve(),
    };
    this.#running.set(running.jobId, running);
    this.#lookLater();
    this.#tell();
    return running;
  }

  /** Waits for the end of the work, and remembers it. */
  async #follow<Result>(running: Running, work: Promise<Result>, outcome: ((result: Result, end: JobEnd) => string) | undefined): Promise<Outcome<Result>> {
    let end: Outcome<Result>;
    try {
      end = { result: await work };
    } catch (fault) {
      end = { fault };
    }
    this.#running.delete(running.jobId);
    const durationMs = this.#clock.monotonicMs() - running.startedMs;
    const jobEnd = { durationMs, problemCount: running.job.problemCount };
    const status = 'fault' in end ? this.#failed(running, end.fault) : this.#done(running, outcome?.(end.result, jobEnd));
    this.#ended.push(status);
    if (this.#ended.length > endedJobsMax) this.#ended.shift();
    if (running.uses !== undefined) this.#onDetachedEnd(status, 'fault' in end ? end.fault : undefined);
    this.#tell();
    return end;
  }

  #done(running: Running, outcome: string | undefined): JobStatus {
    return withOutcome(this.#statusOf(running, 'done'), [outcome, ...running.job.remarks]);
  }

  #failed(running: Running, fault: unknown): JobStatus {
    const { counts, remarks } = running.job;
    const before = counts.files > 0 ? `Before that: ${counted(counts.files, 'entry', 'entries')}, ${formatBytes(counts.bytes)}.` : undefined;
    if (isFault(fault, 'cancelled')) return withOutcome(this.#statusOf(running, 'cancelled'), [fault.message, before, ...remarks]);
    const failed = this.#statusOf(running, 'failed');
    if (isFault(fault)) return { ...withOutcome(failed, [before, ...remarks]), fault: { code: fault.code, message: fault.message } };
    return withOutcome(failed, [`It met a fault in the program: ${reasonOf(fault)}. See the events.`, before, ...remarks]);
  }

  #statusOf({ jobId, job, about, startedWallMs, uses, samples }: Running, state: JobStatus['state']): JobStatus {
    const { kind, subject, volume } = about;
    return {
      jobId,
      kind,
      subject,
      ...(volume !== undefined && { volume }),
      state,
      startedWallMs,
      ...(state === 'running' ? pace(samples, job.counts) : { endedWallMs: this.#clock.wallMs() }),
      progress: { ...job.counts },
      isDetached: uses !== undefined,
      problemCount: job.problemCount,
      problems: [...job.problems],
    };
  }

  /** Measures the jobs that run, as long as any does. */
  #lookLater(): void {
    this.#cancelLook ??= this.#clock.setTimer(lookIntervalMs, () => {
      this.#cancelLook = undefined;
      const atMs = this.#clock.monotonicMs();
      for (const { job, samples } of this.#running.values()) {
        samples.push({ atMs, files: job.counts.files, bytes: job.counts.bytes });
        if (samples.length > looksMax) samples.shift();
      }
      this.#tell();
      if (this.#running.size > 0) this.#lookLater();
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function withOutcome(status: JobStatus, sentences: readonly (string | undefined)[]): JobStatus {
  const outcome = sentences.filter((sentence) => sentence !== undefined).join(' ');
  return outcome === '' ? status : { ...status, outcome };
}
