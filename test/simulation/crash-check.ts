import { SeededRandom } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf } from '../../src-main/format/index.ts';
import { checkVolume, Volume } from '../../src-main/volume/index.ts';
import { History, type Promises, proveSnapshots, Violation } from './history.ts';
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

/**
 * Opens what a crash left and proves that every promise was kept: the volume
 * opens, is whole, shows a state that it went through, not older than what was
 * acknowledged; snapshots are there and unchanged; what a mirror has is kept.
 */
export async function proveRecovery(devices: Device[], options: CrashCheckOptions): Promise<Recovered> {
  const { history, promises } = options;
  const set = await DeviceSet.open(devices);
  const volume = await Volume.open(set, {
    name: 'recovered',
    clock: new VirtualClock(1_900_000_000_000),
    random: new SeededRandom(options.seed),
    cpIntervalMs: 0,
    cacheBytes: 256 << 10,
    poolBytes: 2 << 20,
  });
  const replayed = volume.recovery?.replayedRequests ?? 0;
  const found = volume.recovery?.cp ?? 0;
  const frozen = promises.cps.get(found);
  if (frozen === undefined) throw new Violation(`the volume opened at CP ${found}, which never froze`);
  if (found < promises.committedCp) throw new Violation(`the volume opened at CP ${found}; CP ${promises.committedCp} was durable`);
  const count = await history.countOf(volume, { least: Math.max(frozen, promises.durable), most: promises.applied }, 'the volume');
  await proveSnapshots(volume, history, promises);
  await proveWhole(volume, 'after the recovery');
  if (options.bases === true) await proveBases(set, volume, promises);
  if ((options.changesAfter ?? 0) > 0) await proveUsable(volume, history.states[count]!, options);
  await volume.close();
  return { cp: found, count, replayed };
}

async function proveWhole(volume: Volume, when: string): Promise<void> {
  const { problems } = await volume.check();
  if (problems.length === 0) return;
  const texts = problems.slice(0, 5).map(({ message }) => message);
  throw new Violation(`the check ${when} found ${problems.length} problems: ${texts.join(' | ')}`);
}

/** Everything that a mirror may have is kept: the bases are there, and every block of theirs is what it was. */
async function proveBases(set: DeviceSet, volume: Volume, promises: Promises): Promise<void> {
  for (const cp of promises.needs) {
    if (!volume.bases.includes(cp)) throw new Violation(`CP ${cp} is needed by a mirror and no longer kept`);
    await proveRoot(set, promises.roots.get(cp)!, `CP ${cp}, which a mirror has,`);
  }
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
