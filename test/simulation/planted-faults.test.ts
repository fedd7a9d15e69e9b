import { describe, expect, it } from 'vitest';
import { present, SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import type { RootNode } from '../../src-main/format/index.ts';
import type { MirroredVolume } from '../../src-main/replication/index.ts';
import type { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { agedWorkload, crashEverywhere, type CrashRun, finalState, tracedWorkload } from './crash-run.ts';
import { type Happening, Promises } from './history.ts';
import { newMirrorSet } from './mirror-pair.ts';
import { smallShape } from './model-operation.ts';
import { type Part, partAt, placesOf } from './places.ts';
import { altered, BlindReads, EarlyReuse, freedBetween, LyingFlush, mishearing, sharedBy, SpoiltWrites, WideDiscard } from './planted-faults.ts';
import { Simulation } from './simulation.ts';
import type { Wrappers } from './simulated-servers.ts';
import type { SimulationReport } from './simulation-report.ts';

const hour = 3_600_000;
const seed = 11;
const aged = { seed, shape: smallShape, hasMirror: true, stepsBefore: 60 };
const withSnapshots = { ...aged, steps: 140, snapshotsMax: 5 };
const workload = { ...aged, steps: 60 };
const crashes = { seed, samplesPerEvent: 3, usedOneIn: 1000, stopAtFirst: true };

type Wrap = (device: Device, isIn: (part: Part) => (offsetBytes: number) => boolean) => Device;

async function crashedWith(wrap: Wrap): Promise<CrashRun> {
  const places = await placesOf((await agedWorkload(aged)).left.devices());
  const isIn = (part: Part) => (offsetBytes: number) => partAt(places, offsetBytes) === part;
  return crashEverywhere(await tracedWorkload(workload, (device) => wrap(device, isIn)), crashes);
}

const short = { rounds: 1, roundMs: 6000 };

/** Seeds until one breaks a promise. */
async function failedWith(wrappers: Partial<Wrappers>): Promise<SimulationReport | undefined> {
  for (let run = 1; run <= 12; run++) {
    const report = await new Simulation({ seed: run, ...short, wrappers }).run();
    if (report.violation !== undefined) return report;
  }
  return undefined;
}

/** What that seed says. */
async function simulatedWith(wrappers: Partial<Wrappers>): Promise<string> {
  return (await failedWith(wrappers))?.violation ?? 'not caught';
}

/** Where a simulation's mirror keeps things: the same for every seed. */
const mirrorPlaces = await (async () => {
  const device = new MemoryDevice({ sizeBytes: 8 << 20 });
  await newMirrorSet([device], new SeededRandom(1));
  return placesOf([device]);
})();

/** Where a simulation's primary keeps things, when it has one device: the same for every seed too. */
const primaryPlaces = await (async () => {
  const device = new MemoryDevice({ sizeBytes: (3 << 20) + 1800 * 4096 });
  const random = new SeededRandom(1);
  await DeviceSet.create([device], { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes: 4096, journalBytes: 128 << 10, random });
  return placesOf([device]);
})();

const isInPrimary = (part: Part) => (offsetBytes: number) => partAt(primaryPlaces, offsetBytes) === part;

const isInMirror = (part: Part) => (offsetBytes: number) => partAt(mirrorPlaces, offsetBytes) === part;

describe('a planted fault is caught', () => {
  it('in crash tests: none when nothing is planted', { timeout: hour }, async () => {
    expect((await crashedWith((device) => device)).violations).toEqual([]);
  });

  it('the flush between blocks and root is left out', { timeout: hour }, async () => {
    const { violations } = await crashedWith((device, isIn) => new LyingFlush(device, isIn('data')));
    expect(violations).toHaveLength(1);
  });

  it('the flush behind the root is left out', { timeout: hour }, async () => {
    const { violations } = await crashedWith((device, isIn) => new LyingFlush(device, isIn('root')));
    expect(violations).toHaveLength(1);
  });

  it('a sync is acknowledged before the journal is flushed', { timeout: hour }, async () => {
    const { violations } = await crashedWith((device, isIn) => new LyingFlush(device, isIn('journal')));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(/not one from|shows no state/);
  });

  it('a freed block is used again one CP early', { timeout: hour }, async () => {
    const { left } = await agedWorkload(aged);
    const { data } = await placesOf(left.devices());
    const first = await tracedWorkload(workload);
    const roots = new Map<number, Uint8Array>();
    for (const happening of first.workload.past) if (happening.kind === 'committed') roots.set(happening.cp, happening.rootBytes);
    // The CP whose successor frees the most, found in a first run that the second one repeats.
    const set = await DeviceSet.open(finalState(first.trace).devices());
    const cps = [...roots.keys()].slice(-8);
    let plan: { cp: number; freed: number[] } | undefined;
    for (const [index, cp] of cps.entries()) {
      if (index === 0) continue;
      const freed = await freedBetween(set, roots.get(cps[index - 1]!)!, roots.get(cp)!).catch(() => []);
      if (freed.length > (plan?.freed.length ?? 0)) plan = { cp, freed };
    }
    const { cp, freed } = present(plan, 'a CP that frees blocks');
    const planted: EarlyReuse[] = [];
    const spoilt = await tracedWorkload(workload, (device) => {
      const early = new EarlyReuse(device);
      planted.push(early);
      return early;
    }, (happening: Happening) => {
      if (happening.kind === 'frozen' && happening.cp === cp) planted[0]!.reuse(freed.map((vbn) => data + vbn * 4096));
    });
    const { violations } = await crashEverywhere(spoilt, crashes);
    expect(violations).toHaveLength(1);
  });

  it('a write of the primary is acknowledged and lost', { timeout: hour }, async () => {
    const { violations } = await crashedWith((device, isIn) => {
      return new SpoiltWrites(device, { isSpoilt: isIn('data'), everyNth: 5, how: 'lost' });
    }).catch((fault: unknown) => ({ violations: [String(fault)] }));
    expect(violations).toHaveLength(1);
  });

  it('the blocks of a deleted snapshot are used again although others have them too', { timeout: hour }, async () => {
    const { left } = await agedWorkload(aged);
    const { data } = await placesOf(left.devices());
    const first = await tracedWorkload(withSnapshots);
    const promises = Promises.after(first.workload.past);
    const set = await DeviceSet.open(finalState(first.trace).devices());
    const shared = await sharedBy(set, promises.roots.get(promises.committedCp - 6)!, promises.roots.get(promises.committedCp)!);
    const planted: EarlyReuse[] = [];
    let deletions = 0;
    const spoilt = await tracedWorkload(withSnapshots, (device) => {
      planted.push(new EarlyReuse(device));
      return planted[0]!;
    }, (happening: Happening) => {
      if (happening.kind !== 'snapshot' || happening.is !== 'gone') return;
      deletions++;
      planted[0]!.reuse(shared.map((vbn) => data + vbn * 4096));
    }).catch(() => undefined);
    expect(deletions).toBeGreaterThan(0);
    // Where it is not found in use, the check finds it.
    const violations = spoilt === undefined ? ['found while it ran'] : (await crashEverywhere(spoilt, crashes)).violations;
    expect(violations).toHaveLength(1);
  });

  it('in simulations: none when nothing is planted', { timeout: hour }, async () => {
    expect(await simulatedWith({})).toBe('not caught');
  });

  it('a checksum is ignored on the mirror', { timeout: hour }, async () => {
    const mirrorDevice = (device: Device): Device =>
      new SpoiltWrites(device, { isSpoilt: isInMirror('data'), everyNth: 30, how: 'bit flipped' });
    expect(await simulatedWith({ mirrorDevice })).toMatch(/not whole|does not hold the bytes/);
  });

  it('the mirror commits a root before its blocks are flushed', { timeout: hour }, async () => {
    const mirrorDevice = (device: Device): Device => new LyingFlush(device, isInMirror('data'));
    expect(await simulatedWith({ mirrorDevice })).toMatch(/not whole|does not hold the bytes/);
  });

  it('the mirror acknowledges a root before it is flushed', { timeout: hour }, async () => {
    const mirrorDevice = (device: Device): Device => new LyingFlush(device, isInMirror('root'));
    expect(await simulatedWith({ mirrorDevice })).toMatch(/had acknowledged|went back/);
  });

  it('a mirror takes a root of which it has not got every block', { timeout: hour }, async () => {
    const mirrorVolume = (volume: MirrorVolume): MirrorVolume => {
      let count = 0;
      return altered(volume, {
        writeBlocks: (vbn, buffers) => (++count % 20 === 0 ? Promise.resolve() : volume.writeBlocks(vbn, buffers)),
      });
    };
    expect(await simulatedWith({ mirrorVolume })).toMatch(/not whole|does not hold the bytes|not healed/);
  });

  it('a difference is taken from a newer base than the mirror has', { timeout: hour }, async () => {
    const mirrorVolume = (volume: MirrorVolume): MirrorVolume => {
      // It takes itself for one CP further than it is, and passes by what that one changed.
      const committed = (): RootNode | undefined => volume.committed && { ...volume.committed, cp: volume.committed.cp + 1 };
      return new Proxy(altered(volume, {}), { get: (target, key): unknown => (key === 'committed' ? committed() : Reflect.get(target, key)) });
    };
    expect(await simulatedWith({ mirrorVolume })).toMatch(/no longer kept|does not catch up|not whole|does not hold the bytes/);
  });

  it('a base is given up early', { timeout: hour }, async () => {
    // Believes that the mirror has what has only been sent to it.
    const mirroredVolume = (volume: Volume): MirroredVolume =>
      mishearing(volume, (needs) => {
        const { inFlightCps } = needs;
        return inFlightCps.length === 0 ? needs : { committedCp: Math.max(...inFlightCps), neededCps: [], inFlightCps: [] };
      });
    expect(await simulatedWith({ mirroredVolume })).toMatch(/no longer kept|no longer whole|not whole|does not hold|does not catch up/);
  });

  it('the views that are open on a mirror are forgotten', { timeout: hour }, async () => {
    const mirroredVolume = (volume: Volume): MirroredVolume => mishearing(volume, (needs) => ({ ...needs, neededCps: [] }));
    expect(await simulatedWith({ mirroredVolume })).toMatch(/a view on .* (has changed|is open, and is no longer kept)/);
  });

  it('a base is never given up', { timeout: hour }, async () => {
    const mirroredVolume = (volume: Volume): MirroredVolume => mishearing(volume, () => 'unknown');
    expect(await simulatedWith({ mirroredVolume })).toMatch(/are kept for|does not catch up/);
  });

  it('the journal is not replayed', { timeout: hour }, async () => {
    // The journal is on the first device.
    const primaryDevice = (device: Device): Device => (device.name === 'primary 0' ? new BlindReads(device, isInPrimary('journal')) : device);
    expect(await simulatedWith({ primaryDevice })).toMatch(/the reopened primary/);
  });

  it('a block in use is discarded', { timeout: hour }, async () => {
    const primaryDevice = (device: Device): Device => new WideDiscard(device);
    expect(await simulatedWith({ primaryDevice })).toMatch(/does not hold the bytes|problems|no longer whole/);
  });

  it('the primary leaves every flush out', { timeout: hour }, async () => {
    const primaryDevice = (device: Device): Device => new LyingFlush(device, (offsetBytes) => partAt(primaryPlaces, offsetBytes) !== 'label');
    expect(await simulatedWith({ primaryDevice })).toMatch(/not one from|no state|was durable|not whole|found|does not hold/);
  });

  it('and its seed does the same to the last bit when it is run again', { timeout: hour }, async () => {
    const mirrorDevice = (device: Device): Device => new LyingFlush(device, isInMirror('data'));
    const first = await failedWith({ mirrorDevice });
    expect(first?.trace?.length).toBeGreaterThan(5);
    expect(await new Simulation({ seed: first!.seed, ...short, wrappers: { mirrorDevice } }).run()).toEqual(first);
  });
});
