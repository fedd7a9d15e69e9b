import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { pointerBirth, pointerBytes } from '../../src-main/format/index.ts';
import { walkTree } from '../../src-main/tree/index.ts';
import { blockSizeBytes, fillBlock, TreeLab } from './tree-lab.ts';

/** A file of many versions: the roots after each CP, and the blocks that each CP placed. */
async function grownFile(seed: number): Promise<{ lab: TreeLab; roots: { root: Parameters<TreeLab['reachable']>[0]; placed: number[] }[] }> {
  const random = new SeededRandom(seed);
  const lab = new TreeLab();
  const file = lab.newFile();
  const roots = [];
  for (let round = 0; round < 6; round++) {
    for (let count = 0; count < 60; count++) {
      const index = random.below(round * 12_000 + 100);
      fillBlock(file.overwrite(index), index, round);
    }
    if (round === 3) file.punch(50, 5000);
    lab.begin();
    const root = await lab.build(file.root, file.freeze()!);
    file.settle(root);
    lab.commit();
    roots.push({ root, placed: lab.allocated });
  }
  return { lab, roots };
}

describe('a walk of a tree', () => {
  it.each([1, 2, 3])('after a CP meets exactly what later CPs placed and the tree still has (seed %i)', async (seed) => {
    const { lab, roots } = await grownFile(seed);
    const all = await lab.reachable(roots.at(-1)!.root);
    for (let cp = 0; cp <= roots.length; cp++) {
      const later = new Set(roots.slice(cp).flatMap(({ placed }) => placed));
      const met = await lab.reachable(roots.at(-1)!.root, cp);
      expect(new Set(met.keys())).toEqual(new Set([...all.keys()].filter((vbn) => later.has(vbn))));
    }
  });

  it('meets parents before it reads their children, and gives levels in falling order on every way down', async () => {
    const { lab, roots } = await grownFile(4);
    const levels: number[] = [];
    await walkTree(lab.context, roots.at(-1)!.root, {
      afterCp: 0,
      visit: (pointers, level) => {
        levels.push(level);
        expect(pointers.count).toBeGreaterThan(0);
        expect(pointers.count).toBeLessThanOrEqual(4096 + 170);
      },
    });
    expect(levels[0]).toBe(roots.at(-1)!.root.height);
    for (let index = 1; index < levels.length; index++) {
      // Either one level down, or back up to a part of an earlier level.
      const isDown = levels[index] === levels[index - 1]! - 1;
      expect(isDown || levels[index]! >= levels[index - 1]!).toBe(true);
    }
    expect(levels).toContain(0);
  });

  it('does not read data blocks, and stops with a coded fault at a damaged address block', async () => {
    const { lab, roots } = await grownFile(5);
    const { root } = roots.at(-1)!;
    const byLevel = new Map<number, number[]>();
    await walkTree(lab.context, root, {
      afterCp: 0,
      visit: (pointers, level) => {
        const vbns = Array.from({ length: pointers.count }, (_, position) => pointers.vbn(position));
        byLevel.set(level, [...(byLevel.get(level) ?? []), ...vbns]);
      },
    });
    const damage = new Uint8Array(blockSizeBytes);
    for (const vbn of byLevel.get(0)!) await lab.store.writeRun(vbn, [damage]);
    lab.cache.clear();
    await expect(lab.reachable(root)).resolves.toBeDefined();
    await lab.store.writeRun(byLevel.get(1)!.at(-1)!, [damage]);
    lab.cache.clear();
    await expect(lab.reachable(root)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'checksum-mismatch'));
  });

  it('does not enter what is older than asked for, damaged or not', async () => {
    const { lab, roots } = await grownFile(6);
    const { root } = roots.at(-1)!;
    const lastCp = roots.length;
    const old: number[] = [];
    await walkTree(lab.context, root, {
      afterCp: 0,
      visit: (pointers) => {
        for (let position = 0; position < pointers.count; position++) {
          if (pointerBirth(pointers.bytes, position * pointerBytes) < lastCp) old.push(pointers.vbn(position));
        }
      },
    });
    for (const vbn of old) await lab.store.writeRun(vbn, [new Uint8Array(blockSizeBytes)]);
    lab.cache.clear();
    const met = await lab.reachable(root, lastCp - 1);
    expect(met.size).toBe(roots.at(-1)!.placed.length);
  });
});
