import { describe, expect, it } from 'vitest';
import { systemClock, Turns } from '../../src-main/base/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

const settled = (): Promise<void> => systemClock.turn();

describe('turns', () => {
  it('end when they have taken their time, and begin anew', async () => {
    const clock = new VirtualClock();
    const turns = new Turns(clock);
    expect(turns.pass()).toBeUndefined();
    clock.advance(1);
    const pause = turns.pass();
    expect(pause).toBeInstanceOf(Promise);
    await pause;
    expect(turns.pass()).toBeUndefined();
  });

  it('are shorter while others come, with a rest after each, and not when the work is urgent', async () => {
    const clock = new VirtualClock();
    let requestCount = 0;
    let isUrgent = false;
    const turns = new Turns(clock, { requestCount: () => requestCount, isUrgent: () => isUrgent });
    const restMs = async (): Promise<number> => {
      const beganMs = clock.monotonicMs();
      let isOver = false;
      void turns.pass()?.then(() => (isOver = true));
      await settled();
      while (!isOver) {
        expect(clock.step()).toBe(true);
        await settled();
      }
      return clock.monotonicMs() - beganMs;
    };
    const isShort = (turnMs: number): boolean => {
      clock.advance(turnMs);
      return turns.pass() === undefined;
    };
    expect(isShort(0.1)).toBe(true);
    requestCount++;
    clock.advance(0.1);
    expect(await restMs()).toBe(1);
    expect(turns.isGentle).toBe(true);
    expect(isShort(0.04)).toBe(true);
    clock.advance(0.02);
    expect(await restMs(), 'nobody came during this turn').toBe(0);
    expect(turns.isGentle).toBe(false);
    requestCount++;
    isUrgent = true;
    clock.advance(0.2);
    expect(await restMs()).toBe(0);
    expect(turns.isGentle).toBe(false);
  });

  it('let everything that is due run between them', async () => {
    const order: string[] = [];
    const ended = new Promise((resolve) => {
      setImmediate(() => resolve(order.push('others')));
    });
    await systemClock.turn();
    order.push('next turn');
    await ended;
    expect(order).toEqual(['others', 'next turn']);
  });
});
