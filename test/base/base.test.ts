import { describe, expect, it } from 'vitest';
import {
  assert,
  AssertionFault,
  errorCodes,
  isFault,
  MirrorpointError,
  Mutex,
  present,
  reasonOf,
  SeededRandom,
  sleep,
  systemClock,
  systemRandom,
} from '../../src-main/base/index.ts';

describe('faults', () => {
  it('of the program are told apart from faults of operation', () => {
    expect(() => {
      assert(false, 'never');
    }).toThrow(AssertionFault);
    expect(() => present(undefined, 'the thing')).toThrow('the thing must be present');
    expect([present(0, 'zero'), present('', 'empty')]).toEqual([0, '']);
    expect(isFault(new AssertionFault('x'))).toBe(false);
  });

  it('carry a code, a class and a cause', () => {
    const cause = new Error('below');
    const fault = new MirrorpointError('link-closed', 'the link is gone', { cause });
    expect([isFault(fault), isFault(fault, 'link-closed'), isFault(fault, 'not-found')]).toEqual([true, true, false]);
    expect([fault.cause, fault.faultClass, reasonOf(fault), reasonOf('text')]).toEqual([
      cause,
      'temporary',
      'the link is gone',
      'text',
    ]);
  });

  it('are temporary, permanent or corrupt, each code one of them', () => {
    const classes = new Map(errorCodes.map((code) => [code, new MirrorpointError(code, '').faultClass]));
    expect(classes.get('checksum-mismatch')).toBe('corrupt');
    expect(classes.get('volume-full')).toBe('permanent');
    expect(new Set(classes.values())).toEqual(new Set(['temporary', 'permanent', 'corrupt']));
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
  });
});

describe('the mutex', () => {
  it('runs tasks one at a time in the order in which they came, past those that fail', async () => {
    const mutex = new Mutex();
    const story: string[] = [];
    const tasks = ['a', 'b', 'c'].map((name) =>
      mutex.run(async () => {
        story.push(`${name} begins`);
        await new Promise(setImmediate);
        story.push(`${name} ends`);
        if (name === 'b') throw new Error('b fails');
        return name;
      }),
    );
    const outcomes = await Promise.allSettled(tasks);
    expect(story).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('randomness', () => {
  it('from a seed is the same each time, and from another seed is not', () => {
    const draw = (seed: number): unknown[] => {
      const random = new SeededRandom(seed);
      return [random.next(), random.below(1000), random.chance(0.5), random.pick(['a', 'b', 'c']), [...random.bytes(8)]];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('from a seed covers its range and stays in it', () => {
    const random = new SeededRandom(9);
    const counts = new Array<number>(10).fill(0);
    for (let round = 0; round < 10_000; round++) counts[random.below(10)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });

  it('of the machine is not the same twice', () => {
    expect(systemRandom.bytes(16)).not.toEqual(systemRandom.bytes(16));
    expect(systemRandom.bytes(16)).toHaveLength(16);
  });
});

describe('the clock', () => {
  it('fires a timer once, and not when it was cancelled', async () => {
    let fired = 0;
    const cancel = systemClock.setTimer(1, () => fired++);
    cancel();
    cancel();
    systemClock.setTimer(1, () => fired++);
    await sleep(systemClock, 20);
    expect(fired).toBe(1);
    expect(systemClock.monotonicMs()).toBeGreaterThan(0);
    expect(systemClock.wallMs()).toBeGreaterThan(1_600_000_000_000);
  });
});
