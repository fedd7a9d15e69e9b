import type { SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet, type MemoryDevice } from '../../src-main/device/index.ts';
import { MirrorVolume } from '../../src-main/volume/index.ts';
import { proveRecovery, type Recovered } from './crash-check.ts';
import type { History, Promises } from './history.ts';
import { proveMirror } from './mirror-pair.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** What a crash at this moment would leave: by chance, at worst, or everything. */
export type CopyHow = SeededRandom | 'calm' | 'durable';

/** What was asked for and acknowledged. */
export interface Said {
  history: History;
  promises: Promises;
}

/** What a crash would leave of some disks; every call of the result gives it anew. */
export function copiesOf(disks: readonly SimulatedDisk[], how: CopyHow): () => MemoryDevice[] {
  const copies = disks.map((disk) => disk.copy(how));
  return () => copies.map((copy) => copy.reopen());
}

/** Proves what a crash would leave of the mirror; resolves to the CP at which it would come back. */
export async function proveMirrorCopy(devices: Device[], said: Said & { leastCp: number }): Promise<number> {
  const set = await DeviceSet.open(devices);
  const volume = await MirrorVolume.open(set, { name: 'copy of the mirror', cacheBytes: 256 << 10 });
  return proveMirror(volume, said);
}

/** Proves what a crash would leave of the primary, and that the CPs that mirrors need are kept whole in it. */
export async function provePrimaryCopy(
  disks: readonly SimulatedDisk[],
  how: CopyHow,
  said: Said & { neededCps: readonly number[]; seed: number; changesAfter?: number },
): Promise<Recovered> {
  const { history, promises, neededCps, seed, changesAfter = 0 } = said;
  promises.needs = neededCps;
  const devices = disks.map((disk) => disk.copy(how));
  return proveRecovery(devices, { history, promises, seed, changesAfter, bases: true });
}
