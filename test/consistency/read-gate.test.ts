import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { ReadGate } from '../../src-main/consistency/index.ts';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

describe('the read gate', () => {
  it('is open when nobody reads', async () => {
    await expect(new ReadGate().drain()).resolves.toBeUndefined();
  });

  it('waits for the reads before it and not for those after it', async () => {
    const gate = new ReadGate();
    const [first, second] = [gate.enter(), gate.enter()];
    let drained = false;
    const draining = gate.drain().then(() => {
      drained = true;
    });
    const later = gate.enter();
    first();
    await turns(5);
    expect(drained).toBe(false);
    later();
    await turns(5);
    expect(drained).toBe(false);
    second();
    await draining;
    expect(drained).toBe(true);
  });

  it('counts a read once, however often it is left', async () => {
    const gate = new ReadGate();
    const [first, second] = [gate.enter(), gate.enter()];
    let drained = false;
    const draining = gate.drain().then(() => {
      drained = true;
    });
    first();
    first();
    await turns(5);
    expect(drained).toBe(false);
    second();
    await draining;
    expect(drained).toBe(true);
  });

  it.each([1, 2, 3])('never opens early and always opens, in any order (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const gate = new ReadGate();
    const reading = new Set<() => void>();
    for (let round = 0; round < 200; round++) {
      for (let count = random.below(5); count > 0; count--) reading.add(gate.enter());
      const earlier = [...reading];
      let drained = false;
      const draining = gate.drain().then(() => {
        drained = true;
      });
      while (earlier.some((leave) => reading.has(leave))) {
        await turns(3);
        expect(drained).toBe(false);
        if (random.chance(0.3)) reading.add(gate.enter());
        const leave = random.pick([...reading]);
        reading.delete(leave);
        leave();
      }
      await draining;
      expect(drained).toBe(true);
    }
  });
});
