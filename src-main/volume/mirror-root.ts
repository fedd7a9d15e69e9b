import { isFault } from '../base/index.ts';
import { type FoundRoot, RootRing } from '../consistency/index.ts';
import type { DeviceSet } from '../device/index.ts';

/** The newest root of a mirror's set; undefined when none was ever committed. Throws as `RootRing.newest`. */
export async function newestMirrorRoot(set: Pick<DeviceSet, 'rootAreas' | 'volumeId'>): Promise<FoundRoot | undefined> {
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
