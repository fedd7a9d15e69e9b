import { describe, expect, it } from 'vitest';
import { WaitingBlocks } from '../../src-main/tree/index.ts';
import { SeededRandom } from '../../src-main/base/index.ts';

const always = (): boolean => true;

describe('waiting blocks', () => {
  it.each([1, 2, 3])('hold what a map would (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const blocks = new WaitingBlocks();
    const model = new Map<number, Uint8Array>();
    // Rows of neighbours, and lone blocks as far off as a file reaches.
    const places = [0, 60, 5000, 2 ** 33 + 17, 2 ** 47];
    for (let step = 0; step < 4000; step++) {
      const index = places[random.below(places.length)]! + random.below(200);
      if (random.below(3) === 0) {
        blocks.delete(index);
        model.delete(index);
      } else {
        const bytes = new Uint8Array(1);
        blocks.set(index, bytes);
        model.set(index, bytes);
      }
      expect(blocks.get(index)).toBe(model.get(index));
      expect([blocks.size, blocks.has(index)]).toEqual([model.size, model.has(index)]);
    }
    expect(new Map(blocks.entries())).toEqual(model);
    expect([...blocks.keys()].toSorted((a, b) => a - b)).toEqual([...model.keys()].toSorted((a, b) => a - b));
    for (const from of [0, 61, 199, 200, 5100, 2 ** 33, 2 ** 47 + 199, 2 ** 47 + 200]) {
      const rest = [...model.keys()].filter((index) => index >= from);
      expect(blocks.firstFrom(from, always)).toBe(Math.min(...rest));
      expect(blocks.firstFrom(from, (index) => index % 7 === 0)).toBe(Math.min(...rest.filter((index) => index % 7 === 0)));
    }
  });

  it('know nothing of what was never written', () => {
    const blocks = new WaitingBlocks();
    blocks.delete(5);
    expect([blocks.size, blocks.get(5), blocks.has(5), blocks.firstFrom(0, always), [...blocks.keys()]]).toEqual([0, undefined, false, Infinity, []]);
  });
});
