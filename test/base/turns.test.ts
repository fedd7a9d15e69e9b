import { describe, expect, it } from 'vitest';
import { systemClock, Turns } from '../../src-main/base/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

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
