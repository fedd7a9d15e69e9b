import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Course } from '../../src-main/engine/course.ts';
import { mergeRelationship, type RelationshipMeasure, relationshipSample, spans } from '../../src-main/engine/measures.ts';
import { StepRing } from '../../src-main/engine/step-ring.ts';
import { testSeed } from '../seed.ts';

const stepsMax = 8;

/** What is added at an index, and what the ring must make of all of it: written down plainly. */
class RingModel {
  #added: { index: number; value: number }[] = [];

  add(index: number, value: number): void {
    this.#added = this.#added.filter((one) => one.index <= index);
    this.#added.push({ index, value });
    const kept = [...new Set(this.#added.map((one) => one.index))].sort((a, b) => a - b).slice(-stepsMax);
    this.#added = this.#added.filter((one) => kept.includes(one.index));
  }

  get steps(): { index: number; value: number[] }[] {
    const indexes = [...new Set(this.#added.map((one) => one.index))].sort((a, b) => a - b);
    return indexes.map((index) => ({ index, value: this.#added.filter((one) => one.index === index).map((one) => one.value) }));
  }
}

const concat = (known: number[], more: number[]): number[] => [...known, ...more];

/** Time as a clock labels it: it mostly goes on, and sometimes jumps. */
const course = fc.array(
  fc.record({
    by: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 2 }) }, { weight: 1, arbitrary: fc.integer({ min: -30, max: 30 }) }),
    value: fc.nat(1000),
  }),
  { maxLength: 120 },
);

/** The indexes of a course, from one at which none becomes negative. */
function indexesOf(moves: readonly { by: number }[]): number[] {
  let at = 10_000;
  return moves.map(({ by }) => (at += by));
}

/** What is stored has all that the ring has; and perhaps older steps, which wrong ones have pushed out of the ring meanwhile. */
function expectAll(stored: StepRing<number[]>, ring: StepRing<number[]>): void {
  expect(stored.all.slice(stored.all.length - ring.all.length)).toEqual(ring.all);
}

describe('a ring of steps', () => {
  it('has of the last steps what was measured in each, whatever the clock does', () => {
    fc.assert(
      fc.property(course, (moves) => {
        const ring = new StepRing<number[]>(stepsMax);
        const model = new RingModel();
        const indexes = indexesOf(moves);
        for (const [turn, index] of indexes.entries()) {
          ring.add(index, [moves[turn]!.value], concat);
          model.add(index, moves[turn]!.value);
          expect(ring.all).toEqual(model.steps);
          expect(ring.all.length).toBeLessThanOrEqual(stepsMax);
          expect(ring.upTo(index).every((step) => step.index > index - stepsMax)).toBe(true);
        }
      }),
      { seed: testSeed },
    );
  });

  it('is the same again when what changed is put in the order in which it was told, wherever that ends', () => {
    fc.assert(
      fc.property(course, fc.array(fc.nat(20)), (moves, pauses) => {
        const ring = new StepRing<number[]>(stepsMax);
        const stored = new StepRing<number[]>(stepsMax);
        const tell = (): void => {
          for (const step of ring.changed) stored.put({ index: step.index, value: [...step.value] });
          ring.settle();
        };
        const pausesAt = new Set(pauses);
        for (const [turn, index] of indexesOf(moves).entries()) {
          ring.add(index, [moves[turn]!.value], concat);
          if (pausesAt.has(turn % 21)) {
            tell();
            expectAll(stored, ring);
          }
        }
        tell();
        expectAll(stored, ring);
      }),
      { seed: testSeed },
    );
  });

  it('shows none that is of the future or too old', () => {
    const ring = new StepRing<number[]>(stepsMax);
    for (const index of [1, 5, 9, 10, 12]) ring.add(index, [index], concat);
    expect(ring.upTo(10).map((step) => step.index)).toEqual([5, 9, 10]);
    expect(ring.upTo(0)).toEqual([]);
  });
});

const second = fc.record({
  measuredMs: fc.integer({ min: 900, max: 1500 }),
  sentBytes: fc.nat(1_000_000),
  receivedBytes: fc.nat(1000),
  lagMs: fc.option(fc.nat(100_000), { nil: undefined }),
  lagBytes: fc.option(fc.nat(100_000), { nil: undefined }),
});

/** The largest of the known ones. */
function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

describe('a course', () => {
  it('has in each step of each span the means of what was measured in it, and the largest lag, with gaps where nothing was', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(second, fc.boolean()), { minLength: 1, maxLength: 400 }), (seconds) => {
        const measured = new Course<RelationshipMeasure>(mergeRelationship);
        const labelled: { wallMs: number; measure: RelationshipMeasure }[] = [];
        let wallMs = 1_800_000_000_000;
        for (const [measure, isAfterGap] of seconds) {
          wallMs += isAfterGap ? 40_000 : measure.measuredMs;
          measured.add(wallMs, measure);
          labelled.push({ wallMs, measure });
        }
        for (const span of ['hour', 'day', 'week'] as const) {
          const { stepMs, stepsMax: count } = spans[span];
          const expected = [...new Set(labelled.map((one) => Math.floor(one.wallMs / stepMs)))]
            .filter((index) => index > Math.floor(wallMs / stepMs) - count)
            .map((index) => {
              const inside = labelled.filter((one) => Math.floor(one.wallMs / stepMs) === index).map(({ measure }) => measure);
              const sum = (field: 'measuredMs' | 'sentBytes' | 'receivedBytes'): number => inside.reduce((total, one) => total + one[field], 0);
              const [lagMs, lagBytes] = [largest(inside.map((one) => one.lagMs)), largest(inside.map((one) => one.lagBytes))];
              return {
                wallMs: index * stepMs,
                ...(lagMs !== undefined && { lagMs }),
                ...(lagBytes !== undefined && { lagBytes }),
                sentPerSecond: (sum('sentBytes') * 1000) / sum('measuredMs'),
                receivedPerSecond: (sum('receivedBytes') * 1000) / sum('measuredMs'),
              };
            });
          expect(measured.last(span, wallMs).map((step) => relationshipSample(step.wallMs, step.value))).toEqual(expected);
        }
      }),
      { seed: testSeed, numRuns: 50 },
    );
  });

  it('fits into an answer', () => {
    for (const { stepMs, stepsMax: count } of Object.values(spans)) expect([count <= 400, (stepMs * count) % 3_600_000]).toEqual([true, 0]);
  });
});
