import { isFault } from '../base/index.ts';
import { type FoundRoot, RootRing } from '../consistency/index.ts';
import type { VolumeDevices } from '../device/index.ts';
import { rootChecksumOf } from '../format/index.ts';
import { findSetAside, type PreservedMark } from '../preservation/index.ts';

/** The newest root of a mirror's set; undefined when none was ever committed. Throws as `RootRing.newest`. */
export async function newestMirrorRoot(set: Pick<VolumeDevices, 'rootAreas' | 'volumeId'>): Promise<FoundRoot | undefined> {
  try {
    return await new RootRing(set.rootAreas, set.volumeId).newest();
  } catch (fault) {
    if (!isFault(fault, 'volume-damaged')) throw fault;
    // The first root goes to the second area only when it is whole in the first.
    const second = await new RootRing([set.rootAreas[1]], set.volumeId).newest();
    if (second !== undefined) throw fault;
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
