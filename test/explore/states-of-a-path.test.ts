import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { exploreDeleted, exploreSearch, exploreVersions, type FoundVersion, type StateSource, StepWork } from '../../src-main/explore/index.ts';
import { testSeed } from '../seed.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { allSteps, named } from './explore-lab.ts';
import { LazyClock } from './lazy-clock.ts';
import { listAll, RandomHistory } from './random-history.ts';
import { joined, modelDeleted, modelMatches, type ModelVersion, modelVersions, type States } from './search-model.ts';

interface Steps {
  readonly limit: number;
  readonly workMax?: number;
}

async function allVersions(source: StateSource, path: string, limit: number): Promise<ModelVersion[]> {
  const all: FoundVersion[] = [];
  for (let before: number | undefined; ; ) {
    const { versions, next } = await exploreVersions(source, { path, before, limit });
    for (const version of versions) {
      const last = all.at(-1);
      if (version.isContinued && last !== undefined) all[all.length - 1] = { ...last, oldest: version.oldest, stateCount: last.stateCount + version.stateCount };
      else all.push(version);
    }
    if (next === undefined) break;
    before = next;
  }
  return all.map(({ newest, oldest, stateCount, entry }) => {
    const id = entry === undefined ? 'nothing' : `${entry.attributes.ino}.${entry.attributes.generation}`;
    return { newest: named(newest), oldest: named(oldest), count: stateCount, id };
  });
}

/** The first state that is told for each; others, which later steps may tell again, are older. */
function firsts(found: readonly { key: string; state: string }[], order: readonly string[]): Map<string, string> {
  const told = new Map<string, string>();
  for (const { key, state } of found) {
    const before = told.get(key);
    if (before === undefined) told.set(key, state);
    else expect(order.indexOf(state)).toBeGreaterThan(order.indexOf(before));
  }
  return told;
}

interface World extends AsyncDisposable {
  readonly source: StateSource;
  readonly states: States;
  readonly random: SeededRandom;
}

async function randomWorld(seed: number): Promise<World> {
  const random = new SeededRandom(seed);
  const volume = await new MemoryHome({ seed, volume: { clock: new LazyClock(random) } }).create();
  const history = new RandomHistory(volume, random);
  const states: { name: string; listing: States[number]['listing'] }[] = [];
  for (let round = 0; round < 7; round++) {
    await history.change(random.below(12));
    await volume.createSnapshot(`s${round}`);
    states.unshift({ name: `s${round}`, listing: await listAll(volume) });
  }
  await history.change(8);
  states.unshift({ name: 'live', listing: await listAll(volume) });
  return { source: volume, states, random, [Symbol.asyncDispose]: () => volume.close() };
}

function stepsOf(random: SeededRandom): Steps {
  return random.below(3) === 0 ? { limit: 500 } : { limit: 1 + random.below(3), workMax: 1 + random.below(40) };
}

const choiceOf = (name: string): 'live' | { snapshot: string } => (name === 'live' ? name : { snapshot: name });

describe('looking through the states of a volume', () => {
  it.each([testSeed, 1, 2, 3, 4, 5])('tells of a path what full listings tell (seed %i)', async (seed) => {
    await using world = await randomWorld(seed);
    const { source, states, random } = world;
    const paths = new Set(['/never', '/a/b/never', ...states.flatMap(({ listing }) => [...listing.keys()])]);
    for (const path of paths) {
      const isFolder = states.some(({ listing }) => listing.get(path)?.kind === 'directory');
      const [found, expected] = [await allVersions(source, path, 1 + random.below(4)), modelVersions(states, path)];
      if (isFolder) expect(joined(found), path).toEqual(joined(expected));
      else expect(found, path).toEqual(expected);
    }
  });

  it.each([testSeed, 1, 2, 3, 4, 5])('tells what a folder has no more, as full listings do (seed %i)', async (seed) => {
    await using world = await randomWorld(seed);
    const { source, states, random } = world;
    for (const [index, given] of states.entries()) {
      const folders = [...given.listing].filter(([, { kind }]) => kind === 'directory').map(([path]) => path);
      const order = states.map(({ name }) => name);
      for (const path of folders) {
        const { limit, workMax } = stepsOf(random);
        const found = await allSteps((after) => exploreDeleted(source, { at: choiceOf(given.name), path, after, limit }, new StepWork(workMax)));
        const told = firsts(found.map(({ name, last }) => ({ key: name, state: named(last) })), order);
        expect(told, `${path} as in ${given.name}`).toEqual(modelDeleted(states.slice(index), path));
      }
    }
  });

  it.each([testSeed, 1, 2, 3, 4, 5])('finds names in one state and over all, as full listings do (seed %i)', async (seed) => {
    await using world = await randomWorld(seed);
    const { source, states, random } = world;
    const order = states.map(({ name }) => name);
    for (const [index, given] of states.entries()) {
      const folders = [...given.listing].filter(([, { kind }]) => kind === 'directory').map(([path]) => path);
      for (const path of new Set(['/', folders[random.below(folders.length)]!])) {
        for (const text of ['a', 'ÄPFEL', 'no']) {
          const { limit, workMax } = stepsOf(random);
          const isOverAll = random.below(3) > 0;
          const request = { at: choiceOf(given.name), path, text, isOverAll, limit };
          const found = await allSteps((after) => exploreSearch(source, { ...request, after }, new StepWork(workMax)));
          const told = firsts(found.map((match) => ({ key: match.path, state: named(match.state) })), order);
          const searched = isOverAll ? states.slice(index) : [given];
          expect(told, `${text} below ${path} as in ${given.name}`).toEqual(modelMatches(searched, path, text.toLowerCase()));
        }
      }
    }
  });
});
