import { type Clock, MirrorpointError } from '../base/index.ts';
import { type JobProblem, type JobProgress, jobsMax, problemsReportedMax } from '../contract/index.ts';

/** How often a listener hears of progress. */
const progressIntervalMs = 200;

/** Items that wait for a listener before the work does. */
const waitingItemsMax = 256;

/** What a job says of itself at its end, beside its own figures. */
export interface JobEnd {
  readonly durationMs: number;
  readonly problemCount: number;
}

/**
 * Long work as seen from inside: it counts what it has done, reports what it
 * had to leave out, and looks now and then whether it was cancelled.
 */
export class Job<Item = never> {
  readonly counts: Omit<JobProgress, 'type'> = { files: 0, bytes: 0 };
  readonly #waiting: (Item | JobProblem)[] = [];
  #problemCount = 0;
  #isCancelled = false;
  #wake: (() => void) | undefined;
  #tellers: (() => void)[] = [];

  get problemCount(): number {
    return this.#problemCount;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Throws `cancelled` when nobody wants the work any more. */
  checkCancelled(): void {
    if (this.#isCancelled) throw new MirrorpointError('cancelled', 'The work was cancelled; what was finished before stays.');
  }

  /** Notes an entry that was left out because of an operating fault; anything else is thrown on. */
  problem(path: string, fault: unknown): void {
    if (!(fault instanceof MirrorpointError) || fault.code === 'cancelled') throw fault;
    this.#problemCount++;
    if (this.#problemCount > problemsReportedMax) return;
    this.#waiting.push({ type: 'problem', path, code: fault.code, message: fault.message });
    this.#wake?.();
  }

  /** Tells the listener, and waits while it is far behind. */
  async tell(item: Item): Promise<void> {
    this.checkCancelled();
    this.#waiting.push(item);
    this.#wake?.();
    if (this.#waiting.length < waitingItemsMax) return;
    await new Promise<void>((resolve) => {
      this.#tellers.push(resolve);
    });
    this.checkCancelled();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#letTellersGoOn();
  }

  /** For the listener's side: the next item, if one waits. */
  take(): Item | JobProblem | undefined {
    const item = this.#waiting.shift();
    if (this.#waiting.length < waitingItemsMax / 2) this.#letTellersGoOn();
    return item;
  }

  /** For the listener's side: resolves when there is something to take, at the latest after the delay. */
  async wait(clock: Clock, delayMs: number): Promise<void> {
    if (this.#waiting.length > 0) return;
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.setTimer(delayMs, resolve);
      this.#wake = () => {
        cancelTimer();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  wakeListener(): void {
    this.#wake?.();
  }

  /** Several tasks of one job may be waiting to go on. */
  #letTellersGoOn(): void {
    for (const goOn of this.#tellers.splice(0)) goOn();
  }
}

/** The last event of a job. */
export type JobDone<Result> = Result & JobEnd & { readonly type: 'done' };

type Outcome<Result> = { result: Result } | { fault: unknown };

/** The jobs of a server: how many run, and their orderly end. */
export class JobBoard {
  readonly #clock: Clock;
  readonly #running = new Map<Job<unknown>, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs the work while someone listens to its events. They end with what the
   * work returned. A listener that stops listening cancels the work, and its
   * `return` resolves when the work has stopped.
   */
  async *run<Item, Result extends object>(
    work: (job: Job<Item>) => Promise<Result>,
  ): AsyncGenerator<Item | JobProblem | JobProgress | JobDone<Result>, void, void> {
    if (this.#running.size >= jobsMax) {
      throw new MirrorpointError('argument-invalid', `${jobsMax} jobs run already. Wait for one to end, or cancel one.`);
    }
    const job = new Job<Item>();
    const startedMs = this.#clock.monotonicMs();
    let outcome: Outcome<Result> | undefined;
    const ended = work(job)
      .then(
        (result) => (outcome = { result }),
        (fault: unknown) => (outcome = { fault }),
      )
      .then(() => {
        job.wakeListener();
      });
    this.#running.set(job, ended);
    const current = (): Outcome<Result> | undefined => outcome;
    try {
      for (;;) {
        for (let item = job.take(); item !== undefined; item = job.take()) yield item;
        const state = current();
        if (state !== undefined) {
          if ('fault' in state) throw state.fault;
          const durationMs = this.#clock.monotonicMs() - startedMs;
          const end = { type: 'done', durationMs, problemCount: job.problemCount } as const;
          const done: JobDone<Result> = { ...state.result, ...end };
          yield done as Awaited<typeof done>;
          return;
        }
        await job.wait(this.#clock, progressIntervalMs);
        if (current() === undefined) yield { type: 'progress', ...job.counts };
      }
    } finally {
      job.cancel();
      await ended;
      this.#running.delete(job);
    }
  }

  /** Cancels every job and waits for their ends. */
  async close(): Promise<void> {
    for (const job of this.#running.keys()) job.cancel();
    await Promise.all(this.#running.values());
  }
}

/** Lets a bounded number of tasks run at once, and gathers the first fault. */
export class TaskGroup {
  readonly #limit: number;
  readonly #costLimit: number;
  #running = 0;
  #cost = 0;
  #fault: { thrown: unknown } | undefined;
  #changed: (() => void)[] = [];

  /** `costLimit` bounds the sum of the costs of running tasks; one task alone may exceed it. */
  constructor(limit: number, costLimit = Infinity) {
    this.#limit = limit;
    this.#costLimit = costLimit;
  }

  /** Starts the task when there is room for it. Throws the first fault of an earlier one. */
  async start(task: () => Promise<void>, cost = 0): Promise<void> {
    while (this.#running >= this.#limit || (this.#running > 0 && this.#cost + cost > this.#costLimit)) {
      await this.#change();
    }
    this.#throwFault();
    this.#running++;
    this.#cost += cost;
    void task()
      .catch((thrown: unknown) => {
        this.#fault ??= { thrown };
      })
      .then(() => {
        this.#running--;
        this.#cost -= cost;
        const waiting = this.#changed;
        this.#changed = [];
        for (const resume of waiting) resume();
      });
  }

  /** Waits for all that were started; does not throw. */
  async settle(): Promise<void> {
    while (this.#running > 0) await this.#change();
  }

  /** Waits for all that were started. Throws the first fault. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFault();
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault.thrown;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve);
    });
  }
}
