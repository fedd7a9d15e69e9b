import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom, systemClock, Turns } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { extentsOf, SpaceMap } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { emptyInode, geometryOf } from '../../src-main/format/index.ts';
import { BlockFile, TreeEdit, type TreeRoot } from '../../src-main/tree/index.ts';

const blockSizeBytes = 4096;
const perPage = blockSizeBytes * 8;

/** A space map whose own blocks lie beyond the space it speaks for, so that a test knows every other block. */
class SpaceLab {
  readonly geometry = geometryOf(blockSizeBytes);
  readonly store = new BlockStore(new MemoryDevice({ sizeBytes: 2 ** 45 }), blockSizeBytes);
  readonly cache = new BlockCache(this.store, { capacityBytes: 64 * blockSizeBytes });
  readonly used = new Set<number>();
  readonly blockCount: number;
  map: SpaceMap;
  #cp = 0;
  #nextVbn = 2 ** 32;

  constructor(blockCount: number, cursor = 0) {
    this.blockCount = blockCount;
    this.map = this.#mapOver(emptyInode('system'), cursor);
  }

  /** Opens the map anew at its last CP. */
  reopen(): void {
    this.map = this.#mapOver(this.map.file.root, this.map.cursor);
  }

  async take(count: number): Promise<number[]> {
    await this.map.reserve(count);
    return Array.from({ length: count }, () => this.map.allocate());
  }

  /** Ends a CP in which these blocks were taken and those given back. */
  async commit(taken: readonly number[], released: readonly number[]): Promise<void> {
    const extents = extentsOf(released);
    await this.map.open(extents);
    this.map.clear(extents);
    this.map.forfeit();
    expect(taken.filter((vbn) => this.used.has(vbn))).toEqual([]);
    for (const vbn of taken) this.used.add(vbn);
    for (const vbn of released) this.used.delete(vbn);
    expect(this.map.nextUsedCount).toBe(this.used.size);
    this.map.settle(await this.#write());
    expect(this.map.usedCount).toBe(this.used.size);
  }

  async #write(): Promise<TreeRoot> {
    const { geometry, cache } = this;
    const edit = new TreeEdit({ geometry, cache, root: this.map.file.root, freed: () => undefined, turns: new Turns(systemClock) });
    await edit.stage(this.map.pages);
    const writes: Promise<void>[] = [];
    const root = await edit.place({
      cp: ++this.#cp,
      allocate: () => this.#nextVbn++,
      write: (vbn, bytes) => writes.push(this.store.writeRun(vbn, [bytes])),
      pace: () => Promise.resolve(),
    });
    await Promise.all(writes);
    return root;
  }

  #mapOver(root: TreeRoot, cursor: number): SpaceMap {
    const { geometry, cache, blockCount } = this;
    const file = new BlockFile({ geometry, cache }, root);
    return new SpaceMap({ geometry, cache, file, blockCount, usedCount: this.used.size, cursor });
  }
}

describe('the space map', () => {
  it.each([1, 2, 3, 4])('hands out each free block once, over many CPs and reopenings, some failed (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const lab = new SpaceLab(seed === 1 ? 1000 : 3 * perPage + 777, seed * 1000);
    for (let round = 0; round < 40; round++) {
      const free = lab.blockCount - lab.used.size;
      const count = random.below(Math.min(free, lab.blockCount / 5));
      const taken = await lab.take(count);
      expect(new Set(taken).size).toBe(count);
      expect(taken.every((vbn) => vbn < lab.blockCount)).toBe(true);
      if (random.chance(0.2)) {
        // The CP fails: nothing of it ever was.
        expect(taken.filter((vbn) => lab.used.has(vbn))).toEqual([]);
        lab.map.settle(undefined);
        expect(lab.map.usedCount).toBe(lab.used.size);
        continue;
      }
      const share = random.next() * 0.6;
      await lab.commit(taken, [...lab.used].filter(() => random.chance(share)));
      if (random.chance(0.2)) lab.reopen();
    }
  });

  it('hands out rising neighbours while the space is empty, from the cursor on', async () => {
    const lab = new SpaceLab(2 * perPage, 500);
    expect(await lab.take(1000)).toEqual(Array.from({ length: 1000 }, (_, index) => 500 + index));
    await lab.commit(Array.from({ length: 1000 }, (_, index) => 500 + index), []);
    // What was reserved beyond is given back, and the cursor stays behind what was used.
    expect(lab.map.cursor).toBe(1500);
  });

  it('goes round at the end of the space', async () => {
    const lab = new SpaceLab(2000, 1990);
    const taken = await lab.take(30);
    expect(new Set(taken)).toEqual(new Set([...Array.from({ length: 10 }, (_, index) => 1990 + index), ...Array.from({ length: 20 }, (_, index) => index)]));
  });

  it('passes over short runs while there are long ones, and takes them when there are not', async () => {
    const lab = new SpaceLab(4096);
    const all = await lab.take(4096);
    // Free: every other block of the first half, and one run of 100.
    const holes = Array.from({ length: 1000 }, (_, index) => index * 2);
    const run = Array.from({ length: 100 }, (_, index) => 3000 + index);
    await lab.commit(all, [...holes, ...run]);
    expect(await lab.take(100)).toEqual(run);
    await lab.commit(run, []);
    expect(new Set(await lab.take(1000))).toEqual(new Set(holes));
  });

  it('gives out the very last block, and refuses the one after it by name', async () => {
    const lab = new SpaceLab(perPage + 5);
    const all = await lab.take(perPage + 5);
    expect(new Set(all).size).toBe(perPage + 5);
    await expect(lab.map.reserve(1)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-full'));
    await lab.commit(all, []);
    expect(lab.map.freeCount).toBe(0);
    await expect(lab.map.reserve(1)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-full'));
  });

  it('refuses more than there is without losing what there is', async () => {
    const lab = new SpaceLab(1000);
    await expect(lab.map.reserve(1001)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-full'));
    lab.map.settle(undefined);
    expect(new Set(await lab.take(1000)).size).toBe(1000);
  });

  it('does not hand out in a CP what the same CP gives back', async () => {
    const lab = new SpaceLab(200);
    const first = await lab.take(150);
    await lab.commit(first, []);
    const extents = extentsOf(first.slice(0, 100));
    await lab.map.open(extents);
    const second = await lab.take(50);
    lab.map.clear(extents);
    expect(second.some((vbn) => first.includes(vbn))).toBe(false);
  });

  it('keeps excluded extents out of a CP and leaves them free in its map', async () => {
    const lab = new SpaceLab(1000);
    const doubtful = [{ vbn: 0, count: 300 }, { vbn: 900, count: 100 }];
    await lab.map.exclude(doubtful);
    const taken = await lab.take(600);
    expect(taken.every((vbn) => vbn >= 300 && vbn < 900)).toBe(true);
    await expect(lab.map.reserve(1)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-full'));
    lab.map.readmit(doubtful);
    await lab.commit(taken, []);
    expect(new Set(await lab.take(400)).size).toBe(400);
  });

  it('finds a block that is freed twice, or freed while it is free', async () => {
    const lab = new SpaceLab(1000);
    const taken = await lab.take(10);
    await lab.commit(taken, []);
    await lab.map.open([{ vbn: 0, count: 20 }]);
    lab.map.clear([{ vbn: 3, count: 2 }]);
    expect(() => {
      lab.map.clear([{ vbn: 4, count: 1 }]);
    }).toThrow('allocated and freed once only');
    expect(() => {
      lab.map.clear([{ vbn: 15, count: 1 }]);
    }).toThrow('allocated and freed once only');
  });

  it('takes in the room of a volume that has grown', async () => {
    const lab = new SpaceLab(100);
    const all = await lab.take(100);
    await lab.commit(all, []);
    lab.map.grow(perPage * 2);
    const more = await lab.take(perPage * 2 - 100);
    expect(new Set([...all, ...more]).size).toBe(perPage * 2);
  });

  it('finds space in a huge, empty volume by looking at a little of it', async () => {
    const lab = new SpaceLab(2 ** 31, 2 ** 30);
    const taken = await lab.take(100_000);
    expect([taken[0], taken.at(-1)]).toEqual([2 ** 30, 2 ** 30 + 99_999]);
    expect(lab.map.pages.size).toBeLessThanOrEqual(5);
  });
});
