import { SeededRandom } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf } from '../../src-main/format/index.ts';
import { checkVolume, Volume } from '../../src-main/volume/index.ts';
import { type FoundSnapshot, History, judgeSnapshots, type Promises, snapshotsOf, textOf, Violation } from './history.ts';
import { costOf, isFull, isRefusal, nextOperation, perform, smallShape } from './model-operation.ts';
import type { FileModel } from './model.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface CrashCheckOptions {
  history: History;
  promises: Promises;
  /** Seeds the changes made afterwards. */
  seed: number;
  /** Changes made after the recovery, then a CP and another check; 0: the volume is only looked at. */
  changesAfter?: number;
  /** Proves every kept base of a mirror, maps included. */
  bases?: boolean;
}

/** What a recovery found, for the tests' own counters. */
export interface Recovered {
  cp: number;
  count: number;
  replayed: number;
}

/** Everything that a recovered volume shows. */
export interface Found {
  readonly cp: number;
  readonly replayed: number;
  /** Its live files, in the model's terms. */
  readonly text: string;
  readonly snapshots: readonly FoundSnapshot[];
  /** CPs that are kept for mirrors and were proven to be whole. */
  readonly bases: ReadonlySet<number>;
}

/**
 * Opens what a crash left and proves that every promise was kept: the volume
 * opens, is whole, shows a state that it went through, not older than what was
 * acknowledged; snapshots are there and unchanged; what a mirror has is kept.
 */
export async function proveRecovery(devices: Device[], options: CrashCheckOptions): Promise<Recovered> {
  const { history, promises, seed } = options;
  const set = await DeviceSet.open(devices);
  const volume = await openLeft(set, seed);
  const text = await textOf(volume);
  const snapshots = await snapshotsOf(volume);
  await proveWhole(volume, 'after the recovery');
  const bases = new Set(volume.bases);
  if (options.bases === true) {
    for (const cp of promises.needs) if (bases.has(cp)) await proveRoot(set, promises.roots.get(cp)!, `CP ${cp}, which a mirror has,`);
  }
  const recovered = judge({ ...startOf(volume), text, snapshots, bases }, options);
  if ((options.changesAfter ?? 0) > 0) await proveUsable(volume, history.states[recovered.count]!, options);
  await volume.close();
  return recovered;
}

/** Opens a primary's volume as it was left. */
export function openLeft(set: DeviceSet, seed: number): Promise<Volume> {
  return Volume.open(set, {
    name: 'recovered',
    clock: new VirtualClock(1_900_000_000_000),
    random: new SeededRandom(seed),
    cpIntervalMs: 0,
    cacheBytes: 256 << 10,
    poolBytes: 2 << 20,
  });
}

/** From where a volume that was opened has gone on. */
export function startOf({ recovery }: Volume): Pick<Found, 'cp' | 'replayed'> {
  return { cp: recovery?.cp ?? 0, replayed: recovery?.replayedRequests ?? 0 };
}

/** Holds what was found against what had been promised before the crash. */
export function judge(found: Found, { history, promises, bases }: Pick<CrashCheckOptions, 'history' | 'promises' | 'bases'>): Recovered {
  const { cp, replayed, text, snapshots } = found;
  const frozen = promises.cps.get(cp);
  if (frozen === undefined) throw new Violation(`the volume opened at CP ${cp}, which never froze`);
  if (cp < promises.committedCp) throw new Violation(`the volume opened at CP ${cp}; CP ${promises.committedCp} was durable`);
  const count = history.countOfText(text, { least: Math.max(frozen, promises.durable), most: promises.applied }, 'the volume');
  judgeSnapshots(snapshots, history, promises);
  for (const needed of bases === true ? promises.needs : []) {
    if (!found.bases.has(needed)) throw new Violation(`CP ${needed} is needed by a mirror and no longer kept`);
  }
  return { cp, count, replayed };
}

async function proveWhole(volume: Volume, when: string): Promise<void> {
  const { problems } = await volume.check();
  if (problems.length === 0) return;
  const texts = problems.slice(0, 5).map(({ message }) => message);
  throw new Violation(`the check ${when} found ${problems.length} problems: ${texts.join(' | ')}`);
}

/** Checks a root as a mirror would, on the devices as they are. */
export async function proveRoot(set: DeviceSet, rootBytes: Uint8Array, what: string): Promise<void> {
  const root = decodeRootNode(rootBytes);
  const cache = new BlockCache(new BlockStore(set.data, set.blockSizeBytes), { capacityBytes: 256 << 10 });
  const context = { geometry: geometryOf(set.blockSizeBytes), cache };
  const { problems } = await checkVolume({ context, root, isMirror: true });
  if (problems.length > 0) throw new Violation(`${what} is no longer whole: ${problems[0]!.message}`);
}

/** The recovered volume takes changes as if nothing had happened. */
async function proveUsable(volume: Volume, from: FileModel, options: CrashCheckOptions): Promise<void> {
  const random = new SeededRandom(options.seed + 1);
  const clock = new VirtualClock(1_900_000_000_000);
  const after = new History(() => undefined);
  after.states[0] = from;
  for (let change = 0; change < options.changesAfter!; change++) {
    const operation = nextOperation(random, after.last, smallShape);
    const cost = costOf(operation, volume.geometry.blockSizeBytes);
    try {
      await volume.change(cost, (files) => {
        const ino = perform(operation, files);
        after.applied(operation, { ino, nowNs: clock.nowNs });
      });
    } catch (fault) {
      if (!isRefusal(fault) && !isFull(fault)) throw fault;
    }
    if (random.chance(0.3)) await volume.sync();
  }
  await volume.takeCp();
  await after.countOf(volume, { least: after.count, most: after.count }, 'the volume in use again');
  await proveWhole(volume, 'after further use');
}
