import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { type KnownNeeds, mirrorNeeds } from '../../src-main/snapshots/index.ts';
import { BlockFile, KeyedFile } from '../../src-main/tree/index.ts';
import { indexMax, PretendedMirror, relationship, SnapshotLab } from './snapshot-lab.ts';

async function liveWithSnapshots(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const lab = await SnapshotLab.create(random.chance(0.5) ? 3 : 4096);
  const mirror = new PretendedMirror();
  const names = new Map<string, number>();
  const views: { cp: number; leave: () => void }[] = [];
  let known: KnownNeeds = mirror.needs;
  lab.ledger.setMirrorNeeds(relationship, known);
  for (let round = 1; round <= 45; round++) {
    for (let count = random.below(15); count > 0; count--) lab.put(random.below(indexMax), random.chance(0.2) ? 0 : round);
    const created = random.chance(0.3) ? `snap-${round}` : undefined;
    if (created !== undefined) lab.ledger.request({ kind: 'create', name: created });
    const deleted = names.size > 0 && random.chance(0.3) ? random.pick([...names.keys()]) : undefined;
    if (deleted !== undefined) lab.ledger.request({ kind: 'delete', name: deleted });
    if (random.chance(0.2)) views.push({ cp: lab.cp, leave: lab.ledger.enterView(lab.cp) });
    if (random.chance(0.1) && names.size > 0) {
      const cp = names.get(random.pick([...names.keys()]))!;
      views.push({ cp, leave: lab.ledger.enterView(cp) });
    }
    if (views.length > 0 && random.chance(0.3)) views.splice(random.below(views.length), 1)[0]!.leave();

    lab.keep = mirror.inFlightCps.length < 2 && random.chance(0.5);
    if (random.chance(0.5)) mirror.acknowledge(random);
    if (random.chance(0.3)) mirror.neededCps.shift();
    known = random.chance(0.1) ? 'unknown' : mirror.needs;
    lab.ledger.setMirrorNeeds(relationship, known);

    await lab.takeInTrouble(random, 0.15);
    if (created !== undefined) names.set(created, lab.cp);
    if (deleted !== undefined) names.delete(deleted);
    if (lab.keep) mirror.inFlightCps.push(lab.cp);

    await lab.expectRight();
    await expectRows(lab, { names, views, known, mirror });
    if (random.chance(0.08)) {
      for (const view of views.splice(0)) view.leave();
      await lab.reopen();
      lab.ledger.setMirrorNeeds(relationship, known);
    }
  }
  // Everything is given up: nothing but the live volume is left.
  for (const view of views) view.leave();
  for (const name of names.keys()) lab.ledger.request({ kind: 'delete', name });
  lab.keep = false;
  lab.ledger.setMirrorNeeds(relationship, undefined);
  await lab.take();
  while (lab.ledger.hasWork) await lab.take();
  await lab.take();
  expect(await lab.volume.cache.run(() => lab.rows.list(0, Infinity))).toEqual([]);
  await lab.volume.expectWhole();
  const dead = new KeyedFile(new BlockFile(lab.volume.context, lab.volume.cps.root.files.deadlists));
  expect(await lab.volume.cache.run(() => dead.size)).toBe(0);
}

/** The table holds exactly what somebody needs. */
async function expectRows(
  lab: SnapshotLab,
  truth: { names: Map<string, number>; views: { cp: number }[]; known: KnownNeeds; mirror: PretendedMirror },
): Promise<void> {
  const rows = await lab.volume.cache.run(() => lab.rows.list(0, Infinity));
  const byCp = new Map(rows.map((row) => [row.cp, row]));
  expect(new Map(rows.flatMap((row) => row.names.map((name) => [name, row.cp] as const)))).toEqual(truth.names);
  for (const name of truth.names.keys()) {
    const row = await lab.volume.cache.run(() => lab.rows.byName(name));
    expect(row.cp).toBe(truth.names.get(name));
    expect(await lab.volume.cache.run(() => lab.rows.viewByName(name))).toEqual({ cp: row.cp, wallMs: row.wallMs, inodeCount: row.inodeCount, inodes: row.inodes });
  }
  expect(await lab.volume.cache.run(() => lab.rows.countNames())).toEqual({ count: truth.names.size });
  // A view of the last CP becomes a row with the next CP.
  for (const { cp } of truth.views) if (cp !== lab.cp) expect(byCp.has(cp), `CP ${cp} is viewed`).toBe(true);
  const { committedCp, neededCps, inFlightCps } = truth.mirror;
  for (const cp of [committedCp, ...neededCps, ...inFlightCps]) if (cp > 0) expect(byCp.has(cp), `CP ${cp} is a base`).toBe(true);
  for (const cp of inFlightCps) expect(byCp.get(cp)?.isBase).toBe(true);
  for (const row of rows) {
    const isNeeded =
      row.names.length > 0 ||
      row.cp === lab.cp ||
      // Another that goes before it is long, and this one's turn has not come.
      lab.ledger.hasWork ||
      truth.views.some(({ cp }) => cp === row.cp) ||
      mirrorNeeds(truth.known, row.cp, row.deletedAtCp);
    expect(isNeeded, `CP ${row.cp} is kept for somebody`).toBe(true);
  }
  expect(lab.ledger.bases).toEqual(rows.filter(({ isBase }) => isBase).map(({ cp }) => cp));
}

describe('kept roots over many CPs', () => {
  it.each(Array.from({ length: 12 }, (_, index) => 500 + index))(
    'stay whole as long as anybody needs them, and each block is free exactly when no root references it (seed %i)',
    liveWithSnapshots,
  );
});

describe('dropping a snapshot', () => {
  it('is spread over CPs when it is long, and nobody can open what is half gone', async () => {
    const lab = await SnapshotLab.create(1);
    lab.ledger.setMirrorNeeds(relationship, undefined);
    // Blocks of many eras die under one snapshot: many records.
    for (let round = 1; round <= 8; round++) {
      for (let index = 0; index < 6; index++) lab.put(round * 6 + index - 6, round);
      lab.ledger.request({ kind: 'create', name: `s${round}` });
      await lab.take();
    }
    for (let index = 0; index < 48; index++) lab.put(index, 0);
    await lab.take();
    const cp = (await lab.volume.cache.run(() => lab.rows.byName('s8'))).cp;
    lab.ledger.request({ kind: 'delete', name: 's8' });
    let cps = 0;
    do {
      await lab.take();
      cps++;
      expect(await lab.volume.cache.run(() => lab.rows.atCp(cp))).toBe(undefined);
      expect(await lab.volume.cache.run(() => lab.rows.has('s8'))).toBe(false);
      // What is not yet taken apart counts as used; nothing else is touched.
      await lab.keptBlocks();
    } while (lab.ledger.hasWork);
    expect(cps).toBeGreaterThan(5);
    await lab.expectRight();
  });

  it('goes on after a reopening in the middle', async () => {
    const lab = await SnapshotLab.create(1);
    for (let round = 1; round <= 6; round++) {
      for (let index = 0; index < 8; index++) lab.put(round * 8 + index - 8, round);
      lab.ledger.request({ kind: 'create', name: `s${round}` });
      await lab.take();
    }
    for (let index = 0; index < 48; index++) lab.put(index, 0);
    await lab.take();
    for (const name of ['s6', 's3', 's1']) lab.ledger.request({ kind: 'delete', name });
    await lab.take();
    await lab.reopen();
    for (let count = 0; count < 12; count++) await lab.take();
    expect(lab.ledger.hasWork).toBe(false);
    await lab.expectRight();
    expect((await lab.volume.cache.run(() => lab.rows.list(0, 10))).flatMap(({ names }) => names)).toEqual(['s2', 's4', 's5']);
  });

  it('costs what it frees, not what it holds', async () => {
    const lab = await SnapshotLab.create();
    lab.ledger.setMirrorNeeds(relationship, undefined);
    for (let index = 0; index < indexMax; index++) lab.put(index, 1);
    for (let index = 1000; index < 1600; index++) lab.volume.put({ index, version: 1 });
    for (let count = 0; count < 5; count++) {
      lab.ledger.request({ kind: 'create', name: `s${count}` });
      lab.put(count, 9);
      await lab.take();
    }
    const before = lab.device.counts.read;
    lab.ledger.request({ kind: 'delete', name: 's2' });
    await lab.take();
    expect(lab.device.counts.read - before).toBeLessThan(40);
    await lab.expectRight();
  });
});

describe('holds and names', () => {
  it('are kept with the snapshot, several of them, across reopenings', async () => {
    const lab = await SnapshotLab.create();
    lab.put(1, 1);
    lab.ledger.request({ kind: 'create', name: 'a' });
    lab.ledger.request({ kind: 'create', name: 'b' });
    await lab.take();
    const cp = lab.cp;
    lab.ledger.request({ kind: 'hold', name: 'a', hold: { label: 'audit' } });
    lab.ledger.request({ kind: 'hold', name: 'b', hold: { label: 'tape' } });
    lab.ledger.request({ kind: 'hold', name: 'b', hold: { label: 'tape' } });
    expect(lab.ledger.pendingIntents).toHaveLength(3);
    await lab.take();
    lab.ledger.request({ kind: 'release', name: 'a', label: 'audit' });
    lab.ledger.request({ kind: 'delete', name: 'a' });
    lab.ledger.request({ kind: 'delete', name: 'no such snapshot' });
    await lab.take();
    await lab.reopen();
    const row = await lab.volume.cache.run(() => lab.rows.byName('b'));
    expect([row.cp, row.names, row.holds, row.deletedAtCp]).toEqual([cp, ['b'], ['tape'], 0]);
    const missing = lab.volume.cache.run(() => lab.rows.byName('a'));
    await expect(missing).rejects.toSatisfy((fault: unknown) => isFault(fault, 'snapshot-not-found'));
  });

  it('of a deleted snapshot may be used again in the same CP', async () => {
    const lab = await SnapshotLab.create();
    lab.ledger.setMirrorNeeds(relationship, undefined);
    lab.put(1, 1);
    lab.ledger.request({ kind: 'create', name: 'daily' });
    await lab.take();
    lab.put(1, 2);
    lab.ledger.request({ kind: 'delete', name: 'daily' });
    lab.ledger.request({ kind: 'create', name: 'daily' });
    await lab.take();
    const row = await lab.volume.cache.run(() => lab.rows.byName('daily'));
    expect(row.cp).toBe(lab.cp);
    expect((await lab.versionsOf(row.inodes))[1]).toBe(2);
    await lab.expectRight();
  });
});

describe('a mirror that has got further while a CP is being written', () => {
  /** Of the last CP: whether the base before is kept, and the snapshot that the mirror can show there. */
  async function keptAfter(delay: number): Promise<{ base: boolean; snapshot: boolean; hasEnded: boolean }> {
    const lab = await SnapshotLab.create();
    const has = (committedCp: number, ...inFlightCps: number[]): void => {
      lab.ledger.setMirrorNeeds(relationship, { committedCp, neededCps: [], inFlightCps });
    };
    const kept = async (isBase: boolean, name?: string): Promise<number> => {
      lab.keep = isBase;
      lab.put(1, lab.cp);
      if (name !== undefined) lab.ledger.request({ kind: 'create', name });
      await lab.take();
      return lab.cp;
    };
    has(0);
    const snapshotCp = await kept(false, 's');
    const baseCp = await kept(true);
    has(baseCp);
    lab.ledger.request({ kind: 'delete', name: 's' });
    const nextCp = await kept(true);
    has(baseCp, nextCp);
    lab.keep = false;
    let hasEnded = false;
    const taking = lab.take().then(() => (hasEnded = true));
    for (let step = 0; step < delay; step++) await Promise.resolve();
    const found = { hasEnded };
    has(nextCp);
    await taking;
    const row = await lab.volume.cache.run(() => lab.rows.atCp(snapshotCp));
    const base = lab.ledger.bases.includes(baseCp);
    await kept(false);
    expect([lab.ledger.bases, await lab.volume.cache.run(() => lab.rows.atCp(snapshotCp))]).toEqual([[nextCp], undefined]);
    return { ...found, base, snapshot: row !== undefined };
  }

  it('gives up what it had with one CP, whenever that is: a base that is kept is kept whole', async () => {
    const seen = new Set<boolean>();
    for (let delay = 0; ; delay++) {
      const { base, snapshot, hasEnded } = await keptAfter(delay);
      expect(snapshot, `after ${delay} steps`).toBe(base);
      seen.add(base);
      if (hasEnded) break;
    }
    expect(seen.size).toBe(2);
  });
});

describe('until a relationship has spoken', () => {
  it('nothing that its mirror may have is given up, and afterwards it is', async () => {
    const lab = await SnapshotLab.create();
    lab.keep = true;
    lab.put(1, 1);
    await lab.take();
    const base = lab.cp;
    lab.keep = false;
    await lab.reopen();
    for (let round = 2; round < 6; round++) {
      lab.put(1, round);
      await lab.take();
    }
    expect(lab.ledger.bases).toEqual([base]);
    await lab.expectRight();
    lab.ledger.setMirrorNeeds(relationship, { committedCp: 0, neededCps: [], inFlightCps: [] });
    lab.put(1, 7);
    await lab.take();
    await lab.take();
    expect(lab.ledger.bases).toEqual([]);
    await lab.expectRight();
  });
});
