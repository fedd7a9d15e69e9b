import type { HistorySpan } from '../contract/index.ts';
import { spans } from './measures.ts';
import { type Step, StepRing } from './step-ring.ts';

export const spanNames = Object.keys(spans) as HistorySpan[];

/** Something that is measured over time, in the steps of each span. Every step is made of what was measured, not of smaller steps. */
export class Course<T> {
  readonly #merge: (known: T, more: T) => T;
  readonly #rings: Readonly<Record<HistorySpan, StepRing<T>>>;

  constructor(merge: (known: T, more: T) => T) {
    this.#merge = merge;
    this.#rings = { hour: ringOf('hour'), day: ringOf('day'), week: ringOf('week') };
  }

  add(wallMs: number, value: T): void {
    for (const span of spanNames) this.#rings[span].add(Math.floor(wallMs / spans[span].stepMs), value, this.#merge);
  }

  /** Takes up a step as it was stored. */
  restore(span: HistorySpan, step: Step<T>): void {
    this.#rings[span].put(step);
  }

  /** The steps of the span that ends now, oldest first, each with the time of its beginning. */
  last(span: HistorySpan, nowWallMs: number): { wallMs: number; value: T }[] {
    const { stepMs } = spans[span];
    return this.#rings[span].upTo(Math.floor(nowWallMs / stepMs)).map(({ index, value }) => ({ wallMs: index * stepMs, value }));
  }

  /** When its last step began; 0 while there is none. */
  get newestWallMs(): number {
    return (this.#rings.hour.all.at(-1)?.index ?? 0) * spans.hour.stepMs;
  }

  steps(span: HistorySpan, which: 'all' | 'changed'): readonly Step<T>[] {
    return this.#rings[span][which];
  }

  /** What has changed so far is stored. */
  settle(): void {
    for (const span of spanNames) this.#rings[span].settle();
  }
}

function ringOf<T>(span: HistorySpan): StepRing<T> {
  return new StepRing<T>(spans[span].stepsMax);
}
