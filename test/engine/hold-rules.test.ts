import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { capBytesOf, checkCap, judgeHold } from '../../src-main/engine/hold-rules.ts';

const GiB = 2 ** 30;

describe('the cap on what is kept for a mirror', () => {
  it.each([
    { why: 'a fifth of a volume with much room', freeBytes: 60 * GiB, heldBytes: 0, cap: 20 * GiB },
    { why: 'no more than leaves a tenth free', freeBytes: 15 * GiB, heldBytes: 10 * GiB, cap: 15 * GiB },
    { why: 'half of what there is, where a tenth is not free anyway', freeBytes: 4 * GiB, heldBytes: 2 * GiB, cap: 3 * GiB },
    { why: 'nothing on a volume without any room', freeBytes: 0, heldBytes: 0, cap: 0 },
  ])('is $why by default', ({ freeBytes, heldBytes, cap }) => {
    expect(capBytesOf(undefined, { sizeBytes: 100 * GiB, freeBytes, heldBytes })).toBe(cap);
  });

  it('never asks for more than is free, and grows with the room', () => {
    let before = 0;
    for (let room = 0; room <= 100; room++) {
      const cap = capBytesOf(undefined, { sizeBytes: 100 * GiB, freeBytes: room * GiB, heldBytes: 0 });
      expect(cap).toBeGreaterThanOrEqual(before);
      expect(cap).toBeLessThanOrEqual(room * GiB);
      before = cap;
    }
  });

  it('can be set as a size or a share', () => {
    const room = { sizeBytes: 100 * GiB, freeBytes: GiB, heldBytes: 0 };
    expect(capBytesOf({ bytes: 50 * GiB }, room)).toBe(50 * GiB);
    expect(capBytesOf({ bytes: 500 * GiB }, room)).toBe(100 * GiB);
    expect(capBytesOf({ percent: 12.5 }, room)).toBe(12.5 * GiB);
  });

  it.each([{ bytes: 0 }, { bytes: -1 }, { bytes: 101 * GiB }, { percent: 0 }, { percent: -5 }, { percent: 100.1 }])(
    'of %o is refused, naming the volume',
    (cap) => {
      const volume = { name: 'work', sizeBytes: 100 * GiB };
      expect(() => {
        checkCap(cap, volume);
      }).toThrow(expect.toSatisfy((fault: unknown) => isFault(fault, 'argument-invalid') && fault.message.includes('volume work')));
    },
  );

  it('of a whole volume, or a byte, is taken', () => {
    for (const cap of [{ bytes: 1 }, { bytes: 100 * GiB }, { percent: 0.1 }, { percent: 100 }]) {
      checkCap(cap, { name: 'work', sizeBytes: 100 * GiB });
    }
  });
});

describe('what a mirror holds', () => {
  const away = { capBytes: 100, isWarned: false, isMoving: false };

  it.each([
    { why: 'little', state: { ...away, heldBytes: 49 }, judgement: 'fine' },
    { why: 'half of the cap', state: { ...away, heldBytes: 50 }, judgement: 'warn' },
    { why: 'a bit less than half, after a warning', state: { ...away, heldBytes: 45, isWarned: true }, judgement: 'warn' },
    { why: 'much less, after a warning', state: { ...away, heldBytes: 39, isWarned: true }, judgement: 'fine' },
    { why: 'the cap', state: { ...away, heldBytes: 100 }, judgement: 'drop' },
    { why: 'more than the cap while it moves on', state: { ...away, heldBytes: 200, isMoving: true }, judgement: 'warn' },
    { why: 'nothing, where nothing may be kept', state: { ...away, heldBytes: 0, capBytes: 0 }, judgement: 'fine' },
    { why: 'something, where nothing may be kept', state: { ...away, heldBytes: 1, capBytes: 0 }, judgement: 'drop' },
  ] as const)('when it is $why: $judgement', ({ state, judgement }) => {
    expect(judgeHold(state)).toBe(judgement);
  });
});
