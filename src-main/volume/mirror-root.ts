import { bytesEqual, isFault } from '../base/index.ts';
import { type FoundRoot, rootPlaces, RootRing } from '../consistency/index.ts';
import type { VolumeDevices } from '../device/index.ts';
import { type RootNode, rootChecksumOf } from '../format/index.ts';
import { findSetAside, type PreservedMark } from '../preservation/index.ts';

/** The newest root of a mirror's set; undefined when none was ever committed. Throws as `RootRing.settle`. */
export async function newestMirrorRoot(set: Pick<VolumeDevices, 'rootAreas' | 'volumeId'>): Promise<FoundRoot | undefined> {
  const ring = new RootRing(set.rootAreas, set.volumeId);
  try {
    return await ring.settle();
  } catch (fault) {
    if (!isFault(fault, 'volume-damaged')) throw fault;
    // The first root goes to the second area only when it is whole in the first.
    const second = await new RootRing([set.rootAreas[1]], set.volumeId).newest();
    if (second !== undefined) throw fault;
    // It is void from now on, whatever comes to stand beside it.
    await ring.erase(0);
    return undefined;
  }
}

/** Whether a set whose newest root is its own primary's has become a mirror since: then that root was set aside. */
export async function hasSteppedDown(set: Pick<VolumeDevices, 'journal'>, newestRootBytes: Uint8Array): Promise<boolean> {
  const mark = await findSetAside(set.journal);
  return mark !== undefined && isRootOf(mark, newestRootBytes);
}

export function isRootOf(mark: PreservedMark, rootBytes: Uint8Array): boolean {
  return rootChecksumOf(mark.rootBytes) === rootChecksumOf(rootBytes);
}

/** Whether a root is of the set's own time as a primary. */
export function isOwnRoot(set: Pick<VolumeDevices, 'setId'>, root: RootNode): boolean {
  return bytesEqual(root.setId, set.setId);
}

/**
 * Writes both copies of a root, durably. CPs of a mirror may be any number apart:
 * when the new root takes the place of the one now served, or is the first of
 * all, one copy follows the other, so that a crash leaves a whole one of either.
 */
export async function writeMirrorRoot(
  set: Pick<VolumeDevices, 'rootAreas' | 'volumeId' | 'flush'>,
  root: { cp: number; bytes: Uint8Array; servedCp: number | undefined },
): Promise<void> {
  const { cp, bytes, servedCp } = root;
  const isOrdered = servedCp === undefined || (cp - servedCp) % rootPlaces === 0;
  const groups = isOrdered ? set.rootAreas.map((area) => [area]) : [set.rootAreas];
  for (const areas of groups) {
    await new RootRing(areas, set.volumeId).write(cp, bytes);
    await set.flush();
  }
}
