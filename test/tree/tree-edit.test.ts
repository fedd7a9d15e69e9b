import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { isNullPointer, pointerBytes, treeCapacity } from '../../src-main/format/index.ts';
import { IntervalSet, WaitingBlocks } from '../../src-main/tree/index.ts';
import type { BlockFile, TreeRoot } from '../../src-main/tree/index.ts';
import { blockSizeBytes, fillBlock, TreeLab, versionOf } from './tree-lab.ts';

/** Indices around which trees grow a level, and a few within. */
const borders = [0, 6, 170, 6 * 170, 170 ** 2, 6 * 170 ** 2, 170 ** 3, 6 * 170 ** 3, 170 ** 4, 2 ** 37];

function anyIndex(random: SeededRandom): number {
  return Math.max(0, random.pick(borders) + random.below(9) - 4 + (random.chance(0.2) ? random.below(400) : 0));
}

type Model = Map<number, number>;

function writeBlock(file: BlockFile, index: number, version: number): void {
  fillBlock(file.overwrite(index), index, version);
}

/** Makes a random change to the file and the same to the model. */
function change(file: BlockFile, model: Model, random: SeededRandom, version: number): void {
  if (random.chance(0.75)) {
    const first = anyIndex(random);
    const count = random.chance(0.2) ? 1 + random.below(200) : 1;
    for (let index = first; index < first + count; index++) {
      writeBlock(file, index, version);
      model.set(index, version);
    }
    return;
  }
  const start = anyIndex(random);
  const end = random.chance(0.3) ? Infinity : Math.max(start, anyIndex(random)) + 1;
  file.punch(start, end);
  for (const index of model.keys()) if (index >= start && index < end) model.delete(index);
}

async function expectContent(lab: TreeLab, file: BlockFile, model: Model, holes: readonly number[]): Promise<void> {
  for (const [index, version] of model) {
    const read = await lab.cache.run(() => {
      const bytes = file.read(index);
      return bytes === null ? undefined : versionOf(bytes, index);
    });
    expect(read).toBe(version);
  }
  for (const index of holes) {
    if (!model.has(index)) expect(await lab.cache.run(() => file.read(index))).toBe(null);
  }
}

/** What `seek` must find, told from the model. */
function seekModel(model: Model, from: number, wanted: 'data' | 'hole'): number | undefined {
  if (wanted === 'hole') {
    let index = from;
    while (model.has(index)) index++;
    return index;
  }
  let first: number | undefined;
  for (const index of model.keys()) if (index >= from && (first === undefined || index < first)) first = index;
  return first;
}

async function expectSeeks(lab: TreeLab, file: BlockFile, model: Model, random: SeededRandom): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const from = anyIndex(random);
    for (const wanted of ['data', 'hole'] as const) {
      expect(await lab.cache.run(() => file.seek(from, Infinity, wanted))).toBe(seekModel(model, from, wanted));
    }
  }
}

/** Many CPs of random changes to one file; some CPs fail, and changes go on while they run. */
async function liveThroughCps(seed: number, cps: number): Promise<void> {
  const random = new SeededRandom(seed);
  const lab = new TreeLab();
  const file = lab.newFile();
  const model: Model = new Map();
  const kept: { root: TreeRoot; model: Model }[] = [];
  let version = 0;
  for (let round = 0; round < cps; round++) {
    for (let count = random.below(12); count > 0; count--) change(file, model, random, ++version);
    const ofCp: Model = new Map(model);
    const overlay = file.freeze();
    for (let count = random.below(6); count > 0; count--) change(file, model, random, ++version);
    await expectContent(lab, file, model, [anyIndex(random), anyIndex(random)]);
    await expectSeeks(lab, file, model, random);

    lab.begin();
    const previous = await lab.reachable(file.root);
    const root = overlay === undefined ? file.root : await lab.build(file.root, overlay);
    const failed = random.chance(0.25);
    file.settle(failed ? undefined : root);
    await expectContent(lab, file, model, [anyIndex(random)]);
    await expectSeeks(lab, file, model, random);
    if (failed) continue;

    lab.commit();
    const now = await lab.reachable(root);
    expect(now).toEqual(lab.live);
    expect(root.blockCount).toBe(now.size);
    const born = await lab.reachable(root, lab.cp - 1);
    expect(new Set(born.keys())).toEqual(new Set(lab.allocated));
    for (const [vbn, birthCp] of now) if (birthCp < lab.cp) expect(previous.get(vbn)).toBe(birthCp);
    if (random.chance(0.3)) kept.push({ root, model: ofCp });
    await expectContent(lab, lab.readerOf(root), ofCp, [anyIndex(random)]);
  }
  for (const { root, model: then } of kept) await expectContent(lab, lab.readerOf(root), then, [anyIndex(random)]);
  file.discardChanges();
  expect(lab.pool.takenCount).toBe(0);
}

describe('a tree under random writes, punches and truncates over many CPs', () => {
  const seeds = Array.from({ length: 24 }, (_, index) => 1000 + index);
  it.each(seeds)('reads as written, frees each block once and keeps old versions readable (seed %i)', async (seed) => {
    await liveThroughCps(seed, 14);
  });
});

describe('a tree edit', () => {
  async function oneCp(lab: TreeLab, file: BlockFile): Promise<TreeRoot> {
    lab.begin();
    const overlay = file.freeze();
    const root = overlay === undefined ? file.root : await lab.build(file.root, overlay);
    file.settle(root);
    lab.commit();
    return root;
  }

  it('keeps six blocks without an address block, and the seventh costs one', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 0; index < 6; index++) writeBlock(file, index, 1);
    expect(await oneCp(lab, file)).toMatchObject({ height: 0, blockCount: 6 });
    writeBlock(file, 6, 1);
    expect(await oneCp(lab, file)).toMatchObject({ height: 1, blockCount: 8 });
    // The seventh block and the address block over all seven; the six stay where they are.
    expect(lab.writtenLevels).toEqual([0, 1]);
    expect(lab.freed).toEqual([]);
  });

  it('writes only the way from a changed block to the root', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 0; index < 2000; index++) writeBlock(file, index, 1);
    const before = await oneCp(lab, file);
    expect(before).toMatchObject({ height: 2, blockCount: 2000 + 12 + 1 });
    writeBlock(file, 1234, 2);
    await oneCp(lab, file);
    expect(lab.writtenLevels).toEqual([0, 1, 2]);
    expect(lab.freed).toHaveLength(3);
  });

  it('allocates data blocks of neighbours on neighbouring VBNs, then their address blocks', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 399; index >= 0; index--) writeBlock(file, index, 1);
    await oneCp(lab, file);
    expect(lab.writtenLevels).toEqual([...Array<number>(400).fill(0), 1, 1, 1]);
    expect(lab.allocated).toEqual(Array.from({ length: 403 }, (_, index) => index + 1));
  });

  it('reaches far indices through a high tree of few blocks', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    writeBlock(file, 0, 1);
    await oneCp(lab, file);
    const far = 2 ** 41 - 1;
    writeBlock(file, far, 2);
    const root = await oneCp(lab, file);
    expect(root.height).toBe(6);
    expect(treeCapacity(lab.geometry, 5)).toBeLessThanOrEqual(far);
    await expectContent(lab, lab.readerOf(root), new Map([[0, 1], [far, 2]]), [1, far - 1, far + 1, 2 ** 44]);
    // Both lie under one address block of the highest level, and share none below it.
    expect(root.blockCount).toBe(2 + 1 + 5 + 5);
  });

  it('takes every block out when all is punched, and grows again from nothing', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (const index of [0, 7, 5000, 10_000_000]) writeBlock(file, index, 1);
    await oneCp(lab, file);
    file.punch(0, Infinity);
    const empty = await oneCp(lab, file);
    expect(empty).toMatchObject({ height: 0, blockCount: 0 });
    expect(isNullPointer(empty.slots, 0)).toBe(true);
    expect(lab.live.size).toBe(0);
    writeBlock(file, 3, 2);
    const again = await oneCp(lab, file);
    expect(again).toMatchObject({ height: 0, blockCount: 1 });
    await expectContent(lab, lab.readerOf(again), new Map([[3, 2]]), [0, 7]);
  });

  it('drops address blocks that a punch leaves empty', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 0; index < 1100; index++) writeBlock(file, index, 1);
    await oneCp(lab, file);
    file.punch(1, 1100);
    const root = await oneCp(lab, file);
    expect(root.blockCount).toBe(1 + root.height);
    expect(lab.live.size).toBe(root.blockCount);
    await expectContent(lab, lab.readerOf(root), new Map([[0, 1]]), [1, 169, 170, 1099]);
  });

  it('punches holes that overlap and touch in one edit, and fills some of them in the same edit', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 0; index < 700; index++) writeBlock(file, index, 1);
    await oneCp(lab, file);
    const holes = new IntervalSet();
    holes.add(10, 200);
    holes.add(150, 350);
    holes.add(350, 351);
    holes.add(500, 501);
    const blocks = new WaitingBlocks();
    for (const index of [170, 349, 500]) {
      const bytes = new Uint8Array(blockSizeBytes);
      fillBlock(bytes, index, 2);
      blocks.set(index, bytes);
    }
    lab.begin();
    const root = await lab.build(file.root, { blocks, holes });
    lab.commit();
    expect(await lab.reachable(root)).toEqual(lab.live);
    const expected = new Map<number, number>();
    for (let index = 0; index < 700; index++) {
      if (blocks.has(index)) expected.set(index, 2);
      else if (index < 10 || index >= 351) expected.set(index, 1);
    }
    const punched = Array.from({ length: 341 }, (_, index) => 10 + index);
    await expectContent(lab, lab.readerOf(root), expected, punched);
  });

  it('leaves the old root as it was, byte for byte', async () => {
    const lab = new TreeLab();
    const file = lab.newFile();
    for (let index = 0; index < 30; index++) writeBlock(file, index, 1);
    const old = await oneCp(lab, file);
    const bytes = old.slots.slice();
    for (let index = 0; index < 2000; index++) writeBlock(file, index, 2);
    await oneCp(lab, file);
    expect(old.slots).toEqual(bytes);
    expect(old.slots.length).toBe(6 * pointerBytes);
  });
});
