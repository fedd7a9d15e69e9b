import { describe, expect, it } from 'vitest';
import { present, SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import type { MirroredVolume } from '../../src-main/replication/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { agedWorkload, crashEverywhere, type CrashRun, finalState, tracedWorkload } from './crash-run.ts';
import type { Happening } from './history.ts';
import { newMirrorSet } from './mirror-pair.ts';
import { smallShape } from './model-operation.ts';
import { type Part, partAt, placesOf } from './places.ts';
import { EarlyReuse, freedBetween, LyingFlush, SpoiltWrites } from './planted-faults.ts';
import { Simulation } from './simulation.ts';
import type { Wrappers } from './simulated-servers.ts';

const hour = 3_600_000;
const seed = 11;
const aged = { seed, shape: smallShape, hasMirror: true, stepsBefore: 60 };
const workload = { ...aged, steps: 60 };
const crashes = { seed, samplesPerEvent: 3, usedOneIn: 1000, stopAtFirst: true };

type Wrap = (device: Device, isIn: (part: Part) => (offsetBytes: number) => boolean) => Device;

async function crashedWith(wrap: Wrap): Promise<CrashRun> {
  const places = await placesOf((await agedWorkload(aged)).left.devices());
  const isIn = (part: Part) => (offsetBytes: number) => partAt(places, offsetBytes) === part;
  return crashEverywhere(await tracedWorkload(workload, (device) => wrap(device, isIn)), crashes);
}

/** Seeds until one breaks a promise: what it says. */
async function simulatedWith(wrappers: Partial<Wrappers>): Promise<string> {
  for (let run = 1; run <= 12; run++) {
    const { violation } = await new Simulation({ seed: run, rounds: 1, roundMs: 6000, wrappers }).run();
    if (violation !== undefined) return violation;
  }
  return 'not caught';
}

/** Where a simulation's mirror keeps things: the same for every seed. */
const mirrorPlaces = await (async () => {
  const device = new MemoryDevice({ sizeBytes: 8 << 20 });
  await newMirrorSet([device], new SeededRandom(1));
  return placesOf([device]);
})();

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

  it('a base is given up early', { timeout: hour }, async () => {
    expect(await simulatedWith({ mirroredVolume: forgetful })).toMatch(/no longer kept|no longer whole|not whole|does not hold|does not catch up/);
  });
});

/** Believes that the mirror has what has only been sent to it. */
function forgetful(volume: Volume): MirroredVolume {
  const setMirrorNeeds: MirroredVolume['setMirrorNeeds'] = (relationship, needs) => {
    if (needs === undefined || needs === 'unknown' || needs.inFlightCps.length === 0) volume.setMirrorNeeds(relationship, needs);
    else volume.setMirrorNeeds(relationship, { committedCp: Math.max(...needs.inFlightCps), neededCps: [], inFlightCps: [] });
  };
  return new Proxy(volume, {
    get(target, key) {
      if (key === 'setMirrorNeeds') return setMirrorNeeds;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
