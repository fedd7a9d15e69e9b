import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { readShed } from '../../src-main/consistency/index.ts';
import { systemFileNames } from '../../src-main/format/index.ts';
import { heldSpace, type KeptRoot, KeptSpace, type KnownNeeds, mirrorNeeds } from '../../src-main/snapshots/index.ts';
import { testSeed } from '../seed.ts';
import { indexMax, PretendedMirror, SnapshotLab } from './snapshot-lab.ts';

/** Which blocks each kept root references, found by walking every tree. */
class Truth {
  readonly lab: SnapshotLab;
  readonly rows: readonly KeptRoot[];
  readonly live: ReadonlySet<number>;
  readonly #files: ReadonlyMap<number, ReadonlySet<number>>;
  readonly #maps: ReadonlyMap<number, ReadonlySet<number>>;

  private constructor(lab: SnapshotLab, found: { rows: KeptRoot[]; live: Set<number>; files: Map<number, Set<number>>; maps: Map<number, Set<number>> }) {
    this.lab = lab;
    this.rows = found.rows;
    this.live = found.live;
    this.#files = found.files;
    this.#maps = found.maps;
  }

  static async of(lab: SnapshotLab): Promise<Truth> {
    const { volume } = lab;
    const { root } = volume.cps;
    const live = new Set<number>();
    for (const name of systemFileNames) for (const vbn of await volume.reachable(root.files[name])) live.add(vbn);
    const shed = await readShed(volume.context, root);
    for (let position = 0; position < shed.count; position++) live.add(shed.vbn(position));
    const rows = await volume.cache.run(() => lab.rows.list(0, Infinity));
    const files = new Map<number, Set<number>>();
    const maps = new Map<number, Set<number>>();
    for (const row of rows) {
      files.set(row.cp, new Set(await volume.reachable(row.inodes)));
      if (!row.isBase) continue;
      const blocks = new Set<number>();
      for (const name of systemFileNames) {
        if (name === 'inodes') continue;
        for (const vbn of await volume.reachable(lab.roots.get(row.cp)!.files[name])) blocks.add(vbn);
      }
      maps.set(row.cp, blocks);
    }
    return new Truth(lab, { rows, live, files, maps });
  }

  /** Blocks that roots in the set reference, and neither the live volume nor another kept root does. */
  freedBy(cps: ReadonlySet<number>): number {
    return this.#only(this.#files, { of: (cp) => cps.has(cp), notOf: (cp) => !cps.has(cp) });
  }

  /** Every block that is in use for kept roots alone. */
  get dead(): number {
    const kept = new Set([...this.#files.values(), ...this.#maps.values()].flatMap((blocks) => [...blocks]));
    return [...kept].filter((vbn) => !this.live.has(vbn)).length;
  }

  heldBy(isTheirs: (row: KeptRoot) => boolean, isLoose: (row: KeptRoot) => boolean): number {
    const rowOf = new Map(this.rows.map((row) => [row.cp, row]));
    const of = (cp: number): boolean => isLoose(rowOf.get(cp)!) && isTheirs(rowOf.get(cp)!);
    const files = this.#only(this.#files, { of, notOf: (cp) => !isLoose(rowOf.get(cp)!) });
    return files + this.#only(this.#maps, { of: (cp) => isTheirs({ ...rowOf.get(cp)!, deletedAtCp: 0 }), notOf: () => false });
  }

  viewed(isViewed: (cp: number) => boolean): number {
    const rowOf = new Map(this.rows.map((row) => [row.cp, row]));
    const isLoose = (cp: number): boolean => rowOf.get(cp)!.names.length === 0;
    return this.#only(this.#files, { of: (cp) => isLoose(cp) && isViewed(cp), notOf: (cp) => !isLoose(cp) });
  }

  #only(
    chain: ReadonlyMap<number, ReadonlySet<number>>,
    which: { of: (cp: number) => boolean; notOf: (cp: number) => boolean },
  ): number {
    const found = new Set<number>();
    for (const [cp, blocks] of chain) if (which.of(cp)) for (const vbn of blocks) if (!this.live.has(vbn)) found.add(vbn);
    for (const [cp, blocks] of chain) if (which.notOf(cp)) for (const vbn of blocks) found.delete(vbn);
    return found.size;
  }
}

async function deadBlocks(lab: SnapshotLab): Promise<number> {
  for (;;) {
    const blocks = await lab.ledger.countDead();
    if (blocks !== undefined) return blocks;
  }
}

async function accountThroughAHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const lab = await SnapshotLab.create(random.chance(0.5) ? 3 : 4096);
  const mirrors = [new PretendedMirror(), new PretendedMirror()];
  const isAway = [false, false];
  const needs: KnownNeeds[] = mirrors.map((mirror) => mirror.needs);
  const names = new Set<string>();
  let views: { cp: number; leave: () => void }[] = [];
  const tell = (): void => {
    needs.forEach((known, index) => {
      lab.ledger.setMirrorNeeds(`mirror ${index}`, known);
    });
  };
  let compared = 0;
  let heldSeen = 0;
  // A history with long drops is told on, until enough of it could be compared.
  for (let round = 1; round <= 90 || (compared <= 20 && round <= 360); round++) {
    for (let count = random.below(15); count > 0; count--) lab.put(random.below(indexMax), random.chance(0.2) ? 0 : round);
    if (random.chance(0.25)) {
      lab.ledger.request({ kind: 'create', name: `s${round}` });
      names.add(`s${round}`);
    }
    if (names.size > 0 && random.chance(0.25)) {
      const name = random.pick([...names]);
      lab.ledger.request({ kind: 'delete', name });
      names.delete(name);
    }
    if (random.chance(0.15)) views.push({ cp: lab.cp, leave: lab.ledger.enterView(lab.cp) });
    if (views.length > 0 && random.chance(0.2)) views.splice(random.below(views.length), 1)[0]!.leave();

    const keeps = mirrors.map((mirror, index) => {
      if (random.chance(0.1)) isAway[index] = !isAway[index];
      if (!isAway[index] && random.chance(0.6)) mirror.acknowledge(random);
      if (random.chance(0.3)) mirror.neededCps.shift();
      needs[index] = random.chance(0.05) ? 'unknown' : mirror.needs;
      return !isAway[index] && mirror.inFlightCps.length < 2 && random.chance(0.5);
    });
    lab.keep = keeps.includes(true);
    tell();
    await lab.takeInTrouble(random, 0.1);
    mirrors.forEach((mirror, index) => {
      if (!keeps[index]) return;
      mirror.inFlightCps.push(lab.cp);
      if (needs[index] !== 'unknown') needs[index] = mirror.needs;
    });
    tell();
    if (random.chance(0.08)) {
      for (const view of views) view.leave();
      views = [];
      await lab.reopen();
      tell();
    }
    await lab.ledger.measureHolds();
    const dead = await deadBlocks(lab);
    // While a long drop goes on, some blocks belong to nobody.
    if (lab.ledger.hasWork) continue;
    compared++;
    const truth = await Truth.of(lab);
    expect(dead, `dead blocks in round ${round}`).toBe(truth.dead);
    const space = new KeptSpace(lab.volume.context, lab.volume.cps.root.files);
    for (const { cp } of truth.rows) expect(await space.freedBy([cp]), `unique to CP ${cp}`).toBe(truth.freedBy(new Set([cp])));
    for (let tries = 0; tries < 5; tries++) {
      const some = new Set(truth.rows.filter(() => random.chance(0.5)).map(({ cp }) => cp));
      expect(await space.freedBy(some), `freed by ${[...some].join()}`).toBe(truth.freedBy(some));
    }
    const isViewed = (cp: number): boolean => views.some((view) => view.cp === cp);
    needs.forEach((known, index) => {
      const held = lab.ledger.heldByMirrors.get(`mirror ${index}`)!;
      const isTheirs = (row: KeptRoot): boolean => mirrorNeeds(known, row.cp, row.deletedAtCp);
      const isLoose = (row: KeptRoot): boolean => row.names.length === 0 && !isViewed(row.cp);
      // A root that nobody needs stays until the CP that follows.
      if (truth.rows.some((row) => row.names.length === 0 && !isViewed(row.cp) && !needs.some((one) => mirrorNeeds(one, row.cp, row.deletedAtCp)))) return;
      expect(held.blocks, `held by mirror ${index} in round ${round}`).toBe(truth.heldBy(isTheirs, isLoose));
      heldSeen += held.blocks;
    });
    expect(lab.ledger.heldByViews.blocks, `held by views in round ${round}`).toBe(truth.viewed(isViewed));
  }
  expect(compared).toBeGreaterThan(20);
  expect(heldSeen).toBeGreaterThan(0);
}

describe('the accounting of space', () => {
  it.each(Array.from({ length: 8 }, (_, index) => testSeed + index))(
    'agrees with a walk of all trees after each CP of a random history (seed %i)',
    accountThroughAHistory,
  );

  it('counts what two mirrors both need for each of them, and nothing that a name keeps', () => {
    const loose = [
      { cp: 5, deletedAtCp: 0, afterCp: 3 },
      { cp: 7, deletedAtCp: 0, afterCp: 3 },
      { cp: 20, deletedAtCp: 0, afterCp: 10 },
    ];
    const asked: object[] = [];
    const count = (range: object): number => {
      asked.push(range);
      return 1;
    };
    expect(heldSpace(loose, ({ cp }) => cp === 5, count)).toEqual({ blocks: 2, sinceCp: 5 });
    expect(asked).toEqual([
      { holderCp: 5, aboveCp: 3, upToCp: 5 },
      { holderCp: 7, aboveCp: 3, upToCp: 5 },
    ]);
    asked.length = 0;
    expect(heldSpace(loose, ({ cp }) => cp > 5, count)).toEqual({ blocks: 2, sinceCp: 7 });
    expect(asked).toEqual([
      { holderCp: 7, aboveCp: 3, upToCp: 7 },
      { holderCp: 20, aboveCp: 10, upToCp: 20 },
    ]);
    expect(heldSpace(loose, () => false, count)).toEqual({ blocks: 0, sinceCp: 0 });
  });
});
