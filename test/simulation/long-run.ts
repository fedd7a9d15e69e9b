import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { addReport, emptySum, type SimulationLength, type SimulationSum } from './simulation-sum.ts';
import { emptyReport, type SimulationReport } from './simulation-report.ts';

/** A seed takes seconds; one that is not done by then never will be. */
const seedMinutesMax = 15;

export interface LongRunOptions {
  readonly length: SimulationLength;
  readonly minutes: number;
  readonly processes: number;
  /** Where the run goes on from and what it comes to; made when it is not there. */
  readonly stateFile: string;
  readonly onFailure: (report: SimulationReport) => void;
}

/** What is in the state file. */
interface LongState {
  readonly length: SimulationLength;
  /** Every seed below it is in the sum. */
  nextSeed: number;
  readonly sum: SimulationSum;
}

/**
 * Runs seed after seed in several processes until the time is up, and goes on
 * where an earlier run with the same state file has ended, however it did: the
 * file is replaced whole, and seeds enter it in order, so that each is in it once.
 */
export class LongRun {
  readonly #options: LongRunOptions;
  readonly #state: LongState;
  /** Reports of seeds that were done before an earlier one. */
  readonly #early = new Map<number, SimulationReport>();
  readonly #endMs: number;
  #seed: number;
  #isStopped = false;

  constructor(options: LongRunOptions) {
    this.#options = options;
    this.#state = readState(options);
    this.#seed = this.#state.nextSeed;
    this.#endMs = performance.now() + options.minutes * 60_000;
  }

  /** Resolves to the sum of this and all earlier runs. */
  async run(): Promise<SimulationSum> {
    await Promise.all(Array.from({ length: this.#options.processes }, () => this.#work()));
    return this.#state.sum;
  }

  /** Begins no more seeds; those that run are finished. */
  stop(): void {
    this.#isStopped = true;
  }

  async #work(): Promise<void> {
    let worker: ChildProcess | undefined;
    while (!this.#isStopped && performance.now() < this.#endMs) {
      const seed = this.#seed++;
      worker ??= fork(new URL('sim.ts', import.meta.url), ['--worker'], { execArgv: [], detached: true });
      const report = await reportFrom(worker, seed, this.#options.length);
      if (worker.exitCode !== null || worker.signalCode !== null) worker = undefined;
      this.#take(seed, report);
    }
    worker?.disconnect();
  }

  #take(seed: number, report: SimulationReport): void {
    if (report.violation !== undefined) this.#options.onFailure(report);
    this.#early.set(seed, report);
    const state = this.#state;
    for (let next = this.#early.get(state.nextSeed); next !== undefined; next = this.#early.get(state.nextSeed)) {
      this.#early.delete(state.nextSeed++);
      addReport(state.sum, next);
    }
    writeState(this.#options.stateFile, state);
  }
}

/** One seed's report, also when the process dies of it or never ends. */
function reportFrom(worker: ChildProcess, seed: number, length: SimulationLength): Promise<SimulationReport> {
  return new Promise((resolve) => {
    const done = (report: SimulationReport): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(report);
    };
    const timer = setTimeout(() => worker.kill('SIGKILL'), seedMinutesMax * 60_000);
    worker.once('message', (report) => {
      done(report as SimulationReport);
    });
    worker.once('exit', (code, signal) => {
      done({ ...emptyReport(seed), violation: `the process ended with ${signal ?? `status ${code ?? 'unknown'}`}` });
    });
    worker.send({ seed, ...length });
  });
}

function readState({ stateFile, length }: LongRunOptions): LongState {
  if (!existsSync(stateFile)) return { length, nextSeed: 1, sum: emptySum() };
  const state = JSON.parse(readFileSync(stateFile, 'utf8')) as LongState;
  const [theirs, ours] = [textOf(state.length), textOf(length)];
  if (theirs === ours) return state;
  throw new Error(`${stateFile} is of runs of ${theirs}, and this one has ${ours}. Give another --state.`);
}

function textOf({ rounds, roundMs, isDense }: SimulationLength): string {
  return `${rounds} rounds of ${roundMs} ms${isDense === true ? ' with --dense' : ''}`;
}

function writeState(stateFile: string, state: LongState): void {
  const next = `${stateFile}.next`;
  const file = openSync(next, 'w');
  try {
    writeSync(file, JSON.stringify(state));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, stateFile);
}
