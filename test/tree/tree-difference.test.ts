import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { BlockFile, type TreeRoot } from '../../src-main/tree/index.ts';
import { testSeed } from '../seed.ts';
import { blockSizeBytes, fillBlock, TreeLab } from './tree-lab.ts';

/** A file in a state, with the number of the write that each of its blocks comes from. */
interface State {
  readonly file: BlockFile;
  readonly writes: ReadonlyMap<number, number>;
}

/** A file that is written to at random, and what it was after each CP. */
class Grower {
  readonly lab = new TreeLab();
  readonly file = this.lab.newFile();
  readonly writes = new Map<number, number>();
  /** Blocks that were touched since the last CP. */
  readonly touched = new Set<number>();
  readonly #random: SeededRandom;
  #count = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  change(below: number, times: number): void {
    for (let time = 0; time < times; time++) {
      const index = this.#random.below(below);
      fillBlock(this.file.overwrite(index), index, ++this.#count);
      this.writes.set(index, this.#count);
      this.touched.add(index);
    }
    if (this.#random.below(3) > 0) return;
    const start = this.#random.below(below);
    const end = this.#random.below(4) === 0 ? Infinity : start + this.#random.below(below);
    this.file.punch(start, end);
    for (const index of this.writes.keys()) if (index >= start && index < end) this.writes.delete(index);
    this.touched.clear();
    for (let index = 0; index < 20_000; index++) this.touched.add(index);
  }

  async commit(): Promise<State> {
    this.lab.begin();
    const overlay = this.file.freeze();
    const root: TreeRoot = overlay === undefined ? this.file.root : await this.lab.build(this.file.root, overlay);
    this.file.settle(root);
    this.lab.commit();
    this.touched.clear();
    return { file: this.lab.readerOf(root), writes: new Map(this.writes) };
  }

  get live(): State {
    return { file: this.file, writes: this.writes };
  }
}

async function differencesOf(lab: TreeLab, one: BlockFile, other: BlockFile | undefined): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0; ; from = found.at(-1)! + 1) {
    const index = await lab.cache.run(() => one.nextDifference(other, from));
    if (index === undefined) return found;
    found.push(index);
  }
}

function expected(one: State['writes'], other: State['writes']): number[] {
  const all = new Set([...one.keys(), ...other.keys()]);
  return [...all].filter((index) => one.get(index) !== other.get(index)).sort((a, b) => a - b);
}

describe('what differs between two trees', () => {
  it.each([testSeed, 1, 2, 3])('is every block that was written between them, whatever the heights (seed %i)', async (seed) => {
    const grower = new Grower(seed);
    const states: State[] = [];
    for (let round = 0; round < 7; round++) {
      grower.change([5, 40, 900, 3000, 20, 20_000, 20_000][round]!, 20);
      states.push(await grower.commit());
    }
    for (const one of states) {
      for (const other of states) expect(await differencesOf(grower.lab, one.file, other.file)).toEqual(expected(one.writes, other.writes));
      expect(await differencesOf(grower.lab, one.file, undefined)).toEqual(expected(one.writes, new Map()));
    }
  });

  it.each([testSeed, 4, 5])('is what waits for a CP as well (seed %i)', async (seed) => {
    const grower = new Grower(seed);
    for (let round = 0; round < 6; round++) {
      grower.change(3000, 10);
      const { file, writes } = await grower.commit();
      grower.change(3000, 10);
      const live = await differencesOf(grower.lab, grower.file, file);
      expect(await differencesOf(grower.lab, file, grower.file)).toEqual(live);
      const real = expected(writes, grower.live.writes);
      expect(live).toEqual(expect.arrayContaining(real));
      for (const index of live) expect(real.includes(index) || grower.touched.has(index), `block ${index}`).toBe(true);
    }
  });

  it('is found by reading the way to it alone', async () => {
    const grower = new Grower(6);
    const { lab, file } = grower;
    for (let index = 0; index < 8000; index++) fillBlock(file.overwrite(index), index, 1);
    const before = await grower.commit();
    fillBlock(file.overwrite(4321), 4321, 2);
    const after = await grower.commit();
    lab.cache.clear();
    lab.device.readBytes = 0;
    expect(await differencesOf(lab, before.file, after.file)).toEqual([4321]);
    expect(lab.device.readBytes / blockSizeBytes).toBeLessThanOrEqual(2 * after.file.root.height);
  });

  it('is found over two caches, each of which has blocks of one tree only', async () => {
    const grower = new Grower(7);
    grower.change(20_000, 200);
    const before = await grower.commit();
    grower.change(20_000, 200);
    const after = await grower.commit();
    const { lab } = grower;
    const cache = new BlockCache(new BlockStore(lab.device, blockSizeBytes), { capacityBytes: 1 << 20 });
    const other = new BlockFile({ geometry: lab.geometry, cache }, before.file.root);
    const found: number[] = [];
    for (let from = 0; ; from = found.at(-1)! + 1) {
      const index = await BlockCache.runOver(new Set([lab.cache, cache]), () => after.file.nextDifference(other, from));
      if (index === undefined) break;
      found.push(index);
    }
    expect(found).toEqual(expected(after.writes, before.writes));
  });
});
