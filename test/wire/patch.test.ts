import fc from 'fast-check';
import { expect, it } from 'vitest';
import { patchBetween, rangesOf } from '../../src-main/wire/index.ts';

const blockBytes = 4096;

function applied(before: Uint8Array, patch: Uint8Array): Uint8Array {
  const bytes = before.slice();
  for (const range of rangesOf(patch, before.length)!) bytes.set(range.bytes, range.offset);
  return bytes;
}

const edit = fc.record({ offset: fc.integer({ min: 0, max: blockBytes - 1 }), length: fc.integer({ min: 1, max: 300 }), value: fc.nat(255) });

it('a patch makes the new block of the old one, wherever it changed, and is shorter than it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: blockBytes, maxLength: blockBytes }), fc.array(edit, { maxLength: 40 }), (before, edits) => {
      const after = before.slice();
      for (const { offset, length, value } of edits) after.fill(value, offset, offset + length);
      const patch = patchBetween(before, after);
      if (patch === undefined) {
        expect(after.filter((byte, index) => byte !== before[index]).length).toBeGreaterThan(blockBytes / 8);
        return;
      }
      expect(patch.length).toBeLessThanOrEqual((blockBytes * 15) / 16);
      expect(applied(before, patch)).toEqual(after);
    }),
    { numRuns: 500 },
  );
});

it('two changed pointers among 170 make a patch of their bytes, and a few for where they stand', () => {
  const before = new Uint8Array(blockBytes).map((_, index) => index * 31);
  const after = before.slice();
  for (const slot of [3, 99]) for (let index = 0; index < 24; index++) after[slot * 24 + index]! ^= 0xff;
  const patch = patchBetween(before, after)!;
  expect(patch.length).toBe(2 * (24 + 4));
  expect(applied(before, patch)).toEqual(after);
});

it('equal blocks make an empty patch, and blocks with little in common make none', () => {
  const before = new Uint8Array(blockBytes).fill(1);
  expect(patchBetween(before, before.slice())).toEqual(new Uint8Array(0));
  expect(patchBetween(before, new Uint8Array(blockBytes).fill(2))).toBeUndefined();
});

it('blocks that stand at odd places in memory are compared as well', () => {
  const before = new Uint8Array(blockBytes + 1).subarray(1);
  const after = new Uint8Array(blockBytes + 3).subarray(3);
  after[blockBytes - 1] = 7;
  expect(applied(before, patchBetween(before, after)!)).toEqual(after);
});
