import { answerCharactersMax, workPerStepMax } from './limits.ts';

/** How much one step has done, and whether it is to end. */
export class StepWork {
  #left: number;
  #charactersLeft = answerCharactersMax;

  constructor(workMax = workPerStepMax) {
    this.#left = workMax;
  }

  /** Counts entries, inodes and states that were looked at. */
  spend(count: number): void {
    this.#left -= count;
  }

  answer(characters: number): void {
    this.#charactersLeft -= characters;
  }

  get isOver(): boolean {
    return this.#left <= 0 || this.#charactersLeft <= 0;
  }
}

/** A walk has come further, with or without having found something. */
export interface Progress<T> {
  readonly found?: { readonly value: T; /** Of paths and targets of links. */ readonly characters: number };
  /** Where the walk goes on from here. */
  readonly next: () => string;
  /** What is held for this step has been looked through. */
  readonly endsStep?: boolean;
}

export interface StepResult<T> {
  readonly found: readonly T[];
  /** Left out when the walk has ended. */
  readonly next?: string;
}

/** Goes along a walk until it has found enough, or the step has done its work. Each progress leads further, so a step always does. */
export async function takeStep<T>(walk: AsyncIterable<Progress<T>>, work: StepWork, limit: number): Promise<StepResult<T>> {
  const found: T[] = [];
  for await (const progress of walk) {
    if (progress.found !== undefined) {
      found.push(progress.found.value);
      work.answer(progress.found.characters);
    }
    if (found.length >= limit || work.isOver || progress.endsStep === true) return { found, next: progress.next() };
  }
  return { found };
}
