import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import {
  answerCharactersMax,
  exploreDeleted,
  exploreDifferences,
  exploreSearch,
  exploreVersions,
  type FoundVersion,
  statesPerStepMax,
} from '../../src-main/explore/index.ts';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { allDifferences, allSteps, differenceLine, Hand, named } from './explore-lab.ts';

async function stepsOfVersions(volume: Volume, path: string): Promise<FoundVersion[][]> {
  const steps: FoundVersion[][] = [];
  for (let before: number | undefined; ; ) {
    const { versions, next } = await exploreVersions(volume, { path, before, limit: 100 });
    steps.push(versions);
    if (next === undefined) return steps;
    before = next;
  }
}

const summary = ({ newest, oldest, stateCount, isContinued }: FoundVersion): string => `${named(newest)} to ${named(oldest)}, ${stateCount}${isContinued ? ', continued' : ''}`;

describe('more states than one step looks at', () => {
  it('are gone through step by step; a version that goes on in the next step says so', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    await hand.file('/same');
    await hand.file('/other');
    const count = 2 * statesPerStepMax + 40;
    for (let index = 0; index < count; index++) {
      await hand.write('/other', `version ${index} `);
      if (index === 30) await hand.write('/same', 'changed');
      await volume.createSnapshot(`s${index}`);
    }
    const steps = await stepsOfVersions(volume, '/same');
    const [last, first] = [count - 1, count - statesPerStepMax + 1];
    expect(steps.map((versions) => versions.map(summary))).toEqual([
      [`live to s${first}, ${statesPerStepMax}`],
      [`s${first - 1} to s${first - statesPerStepMax}, ${statesPerStepMax}, continued`],
      [`s${first - statesPerStepMax - 1} to s30, ${first - statesPerStepMax - 30}, continued`, `s29 to s0, 30`],
    ]);
    // Each state is a version of the other file; the live one is as the newest snapshot has it.
    const others = (await stepsOfVersions(volume, '/other')).flat();
    expect(others.length).toBe(count);
    expect(summary(others[0]!)).toBe(`live to s${last}, 2`);
  });

  it('give names that were deleted long ago, and a name that came and went no oftener than once in a step', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    await hand.file('/first');
    for (let index = 0; index < 200; index++) {
      await hand.file(index % 2 === 0 ? '/often' : `/once ${index}`);
      await volume.createSnapshot(`s${index}`);
      await hand.remove(index % 2 === 0 ? '/often' : `/once ${index}`);
      if (index === 5) await hand.remove('/first');
    }
    const found = await allSteps((after) => exploreDeleted(volume, { at: 'live', path: '/', after, limit: 500 }));
    expect(found.find(({ name }) => name === 'first')!.last.names).toEqual(['s5']);
    expect(found.filter(({ name }) => name.startsWith('once')).length).toBe(100);
    const matches = await allSteps((after) => exploreSearch(volume, { at: 'live', path: '/', text: 'First', isOverAll: true, after, limit: 500 }));
    expect(matches.map(({ path, state }) => [path, named(state)])).toEqual([['/first', 's5']]);
    const often = found.filter(({ name }) => name === 'often').map(({ last }) => named(last));
    expect(often[0]).toBe('s198');
    expect(often.length).toBeLessThanOrEqual(2);
  });

  it('are passed by when they vanish between two steps', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/a', '/b', '/c', '/d']) {
      await hand.file(path);
      await volume.createSnapshot(`with ${path.slice(1)}`);
      await hand.remove(path);
    }
    const ask = (after?: string): ReturnType<typeof exploreDeleted> => exploreDeleted(volume, { at: 'live', path: '/', after, limit: 1 });
    const first = await ask();
    expect(first.found.map(({ name }) => name)).toEqual(['d']);
    for (const name of ['with d', 'with c']) await volume.deleteSnapshot(name);
    await volume.takeCp();
    await volume.takeCp();
    expect((await allSteps((after) => ask(after ?? first.next))).map(({ name }) => name)).toEqual(['b', 'a']);
    const search = (after?: string): ReturnType<typeof exploreSearch> => exploreSearch(volume, { at: 'live', path: '/', text: 'b', isOverAll: true, after, limit: 1 });
    const step = await search();
    await volume.deleteSnapshot('with b');
    await volume.takeCp();
    expect(await allSteps((after) => search(after ?? step.next))).toEqual([]);
  });
});

describe('a live state that changes', () => {
  it('is looked through while files come and go under every step', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (let folder = 0; folder < 10; folder++) {
      await hand.folder(`/${folder}`);
      for (let file = 0; file < 10; file++) await hand.file(`/${folder}/kept ${file}`);
    }
    await volume.createSnapshot('one');
    for (let folder = 0; folder < 10; folder++) for (let file = 0; file < 10; file++) await hand.write(`/${folder}/kept ${file}`, 'changed meanwhile, and longer');
    let changes = 0;
    const change = async (): Promise<void> => {
      const folder = `/${changes % 10}`;
      await hand.file(`${folder}/come ${changes}`);
      if (changes % 7 === 0) await volume.takeCp();
      if (changes % 5 === 3) await hand.move(`${folder}/come ${changes}`, `${folder}/gone ${changes}`);
      changes++;
    };
    const found = await allSteps(async (after) => {
      await change();
      return exploreDifferences(volume, { older: { snapshot: 'one' }, newer: 'live', after, limit: 3 });
    });
    const changed = found.map(differenceLine).filter((line) => line.startsWith('changed'));
    expect(new Set(changed).size).toBe(100);
    const matches = await allSteps(async (after) => {
      await change();
      return exploreSearch(volume, { at: 'live', path: '/', text: 'KEPT', isOverAll: true, after, limit: 3 });
    });
    expect(matches.length).toBe(100);
  });
});

describe('an answer', () => {
  it('ends before its texts are too long for one message', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    await volume.createSnapshot('empty');
    const target = '\u0001'.repeat(4095);
    for (let index = 0; index < 400; index++) {
      await volume.change(changeBlocks.symlink, (files) => files.symlink(rootDirectoryInode, `link ${index}`, target, { mode: 0o777, uid: 0, gid: 0 }));
    }
    await hand.file('/file');
    const first = await exploreDifferences(volume, { older: { snapshot: 'empty' }, newer: 'live', limit: 500 });
    const characters = first.found.reduce((sum, { path, after }) => sum + path.length + (after?.linkTarget?.length ?? 0), 0);
    expect(characters).toBeLessThan(answerCharactersMax + 5000);
    expect(first.next).toBeDefined();
    const all = await allDifferences(volume, { older: { snapshot: 'empty' }, newer: 'live' });
    expect(new Set(all.map(({ path }) => path)).size).toBe(401);
  });

  it.each(['', 'd', 'd 1 2', 'd 1 2 3', 'd 1 2 3 x', 'x 1 2 3 /', 'd -1 2 3 /', 'd 1.5 2 3 /', 'newer 1 2 /', 'given /elsewhere', 'd 1 2 3 /\0/', 'd 9999999999999999 1 1 /', '/'])(
    'is not continued from "%s", which no answer said to go on from',
    async (after) => {
      await using volume = await new MemoryHome().create();
      await new Hand(volume).folder('/folder');
      await volume.createSnapshot('one');
      const strange = (fault: unknown): boolean => isFault(fault, 'argument-invalid') && fault.message.includes('begin anew');
      const path = '/folder';
      await expect(Promise.resolve().then(() => exploreDeleted(volume, { at: 'live', path, after, limit: 1 }))).rejects.toSatisfy(strange);
      await expect(Promise.resolve().then(() => exploreSearch(volume, { at: 'live', path, text: 'a', isOverAll: true, after, limit: 1 }))).rejects.toSatisfy(strange);
      await expect(Promise.resolve().then(() => exploreDifferences(volume, { older: 'live', newer: 'last', after, limit: 1 }))).rejects.toSatisfy(strange);
    },
  );

  it.each(['d 562949953421310 999999 999999 /', 'd 0 0 0 /', 'd 3 0 77 /'])('goes on from "%s", which leads nowhere, without harm', async (after) => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    await hand.file('/a');
    await volume.createSnapshot('one');
    await hand.remove('/a');
    await allSteps((next) => exploreDeleted(volume, { at: 'live', path: '/', after: next ?? after, limit: 1 }));
  });
});
