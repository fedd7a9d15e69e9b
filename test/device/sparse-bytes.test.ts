import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseBytes } from '../../src-main/device/index.ts';
import { RangeSet } from '../../src-main/device/range-set.ts';

const spaceBytes = 5 * 4096;

/** The same operations on plain bytes. */
function apply(model: Uint8Array, step: Step): void {
  if (step.kind === 'zero') model.fill(0, step.at, step.at + step.length);
  else model.fill(step.value, step.at, step.at + step.length);
}

interface Step {
  kind: 'write' | 'borrow' | 'zero';
  at: number;
  length: number;
  value: number;
  /** Which of the forks so far it is done on. */
  fork: boolean;
}

const steps = fc.array(
  fc
    .record({
      kind: fc.constantFrom('write' as const, 'borrow' as const, 'zero' as const),
      at: fc.oneof(fc.nat(spaceBytes), fc.constantFrom(0, 4096, 8192)),
      length: fc.oneof(fc.nat(spaceBytes), fc.constantFrom(4096, 8192, 512)),
      value: fc.integer({ min: 1, max: 255 }),
      fork: fc.boolean(),
    })
    .map((step): Step => ({ ...step, length: Math.min(step.length, spaceBytes - step.at) })),
  { maxLength: 40 },
);

describe('sparse bytes', () => {
  it('read like plain bytes through any chain of forks, and neither parents, copies nor borrowed bytes ever change', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let space = new SparseBytes();
        let model = new Uint8Array(spaceBytes);
        const parents: { space: SparseBytes; model: Uint8Array }[] = [];
        const lent: { bytes: Uint8Array; value: number }[] = [];
        for (const step of all) {
          if (step.fork) {
            parents.push({ space, model });
            space = space.fork();
            model = model.slice();
          }
          const bytes = new Uint8Array(step.length).fill(step.value);
          if (step.kind === 'zero') space.zero(step.at, step.length);
          else if (step.kind === 'write') space.write(step.at, bytes);
          else {
            space.borrow(step.at, bytes);
            lent.push({ bytes, value: step.value });
          }
          apply(model, step);
        }
        for (const each of [...parents, { space, model }]) {
          const read = new Uint8Array(spaceBytes).fill(99);
          each.space.read(0, read);
          expect(Buffer.compare(read, each.model)).toBe(0);
        }
        const copy = space.copy();
        space.write(0, new Uint8Array(spaceBytes).fill(98));
        const copied = new Uint8Array(spaceBytes).fill(99);
        copy.read(0, copied);
        expect(Buffer.compare(copied, model)).toBe(0);
        for (const { bytes, value } of lent) expect(bytes.every((byte) => byte === value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('zeroing a vast range touches only what is there', () => {
    const space = new SparseBytes();
    space.write(4096, new Uint8Array(8192).fill(1));
    space.zero(4096 + 512, 2 ** 50);
    const read = new Uint8Array(8192);
    space.read(4096, read);
    expect(read.indexOf(0)).toBe(512);
    expect(read.lastIndexOf(1)).toBe(511);
    expect(space.ownBytes).toBe(4096);
  });
});

describe('a set of ranges', () => {
  it('holds exactly the numbers added and not removed, in order, merged where they touch', () => {
    const change = fc.record({ isAdd: fc.boolean(), start: fc.nat(60), length: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 50 }), (changes) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const { isAdd, start, length } of changes) {
          if (isAdd) set.add(start, start + length);
          else set.remove(start, start + length);
          for (let value = start; value < start + length; value++) {
            if (isAdd) model.add(value);
            else model.delete(value);
          }
        }
        const held = set.ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
        expect(held).toEqual([...model].sort((a, b) => a - b));
        for (let index = 1; index < set.count; index++) {
          expect(set.ranges[index]!.start).toBeGreaterThan(set.ranges[index - 1]!.end);
        }
        const taken = set.take(8);
        if (taken) expect(taken.end - taken.start).toBeGreaterThanOrEqual(8);
        expect(set.ranges.some(({ start, end }) => end - start >= 8) && !taken).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
