import { type Clock, MirrorpointError } from '../base/index.ts';
import { type JobProblem, type JobProgress, jobProblemsKept, problemsReportedMax } from '../contract/index.ts';

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
  /** The first ones. */
  readonly problems: Omit<JobProblem, 'type'>[] = [];
  /** What is to be said at its end, however it ends. */
  readonly remarks: string[] = [];
  readonly #isHeard: boolean;
  readonly #waiting: (Item | JobProblem)[] = [];
  readonly #abort = new AbortController();
  #problemCount = 0;
  #end: MirrorpointError | undefined;
  #wake: (() => void) | undefined;
  #tellers: (() => void)[] = [];

  /** Without a listener nothing is kept for one. */
  constructor(options: { isHeard: boolean }) {
    this.#isHeard = options.isHeard;
  }

  get problemCount(): number {
    return this.#problemCount;
  }

  get isCancelled(): boolean {
    return this.#end !== undefined;
  }

  /** Fires when the work is cancelled, for what waits for something outside. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Throws `cancelled` when nobody wants the work any more. */
  checkCancelled(): void {
    if (this.#end !== undefined) throw this.#end;
  }

  /** Notes an entry that was left out because of an operating fault; anything else is thrown on. */
  problem(path: string, fault: unknown): void {
    if (!(fault instanceof MirrorpointError) || fault.code === 'cancelled') throw fault;
    const { code, message } = fault;
    this.#problemCount++;
    if (this.problems.length < jobProblemsKept) this.problems.push({ path, code, message });
    if (!this.#isHeard || this.#problemCount > problemsReportedMax) return;
    this.#waiting.push({ type: 'problem', path, code, message });
    this.#wake?.();
  }

  /** Tells the listener, and waits while it is far behind. */
  async tell(item: Item): Promise<void> {
    this.checkCancelled();
    if (!this.#isHeard) return;
    this.#waiting.push(item);
    this.#wake?.();
    if (this.#waiting.length < waitingItemsMax) return;
    await new Promise<void>((resolve) => {
      this.#tellers.push(resolve);
    });
    this.checkCancelled();
  }

  /** Asks the work to end, with the reason that it is to give. */
  cancel(reason = 'The work was cancelled; what was finished before stays.'): void {
    if (this.#end !== undefined) return;
    this.#end = new MirrorpointError('cancelled', reason);
    this.#letTellersGoOn();
    this.#abort.abort(this.#end);
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
