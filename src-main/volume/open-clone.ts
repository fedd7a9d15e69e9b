import type { Device } from '../device/index.ts';
import { CloneDevices } from './clone-devices.ts';
import type { Cloneable } from './clone-ground.ts';
import type { RootViewAt } from './root-view.ts';
import type { VolumeOptions } from './volume-options.ts';
import { Volume } from './volume.ts';

export interface CloneOptions extends VolumeOptions {
  /** The volume or mirror, which goes on meanwhile and is never written by the clone. */
  of: Cloneable;
  /** Which state the clone begins with. */
  at: RootViewAt;
  /** Takes what the clone writes, block by block at the same places: as large as the volume, and best sparse. The clone closes it. */
  scratch: Device;
}

/**
 * Opens a clone: a volume with the files of a CP or snapshot of another, that can
 * be written and is forgotten when it is closed. It has no snapshots at first.
 * Until then its ground is kept: on a mirror by a view, which the primary hears
 * of, on a volume as a base.
 *
 * When this throws, the scratch device is still the caller's to close. Throws
 * `snapshot-not-found`, `not-found` for an empty mirror, `device-too-small`.
 */
export async function openClone({ of, at, scratch, ...options }: CloneOptions): Promise<Volume> {
  const ground = await of.holdForClone(at);
  try {
    const devices = await CloneDevices.over(ground, { name: options.name, scratch, random: options.random });
    const epoch = ground.root.epoch + 1;
    const clone = await Volume.promote(devices, options, { epoch, at: ground.at, alone: true });
    clone.healer.addPeer(ground.heal);
    return clone;
  } catch (fault) {
    await ground.leave();
    throw fault;
  }
}
