import { rmSync } from 'node:fs';
import { MirrorpointError } from '../../base/index.ts';
import { createDevice, type Device, ImageFile, openDevice, probePath, sectorBytes } from '../../device/index.ts';
import type { DeviceOpener, NewDeviceOptions } from '../../engine/index.ts';

function wholeSectors(sizeBytes: number): number {
  return Math.floor(sizeBytes / sectorBytes) * sectorBytes;
}

/** Image files that this process made, while they are open, so that it removes no others. */
const made = new WeakSet<Device>();

async function create(path: string, options: NewDeviceOptions): Promise<Device> {
  const { sizeBytes, preallocate = false, erase = false } = options;
  const discard = options.discard === true ? 'punch' : 'ignore';
  const isNew = probePath(path) === 'missing';
  const size = sizeBytes === undefined ? {} : { sizeBytes: wholeSectors(sizeBytes) };
  const device = await createDevice(path, { ...size, preallocate, erase, overwrite: erase, discard });
  if (isNew) made.add(device);
  return device;
}

/** Image files and drives of this machine. */
export const machineDevices: DeviceOpener = {
  open: (path, options) =>
    openDevice(path, { readOnly: options.readOnly ?? false, discard: options.discard === true ? 'punch' : 'ignore' }),
  create,
  async enlarge(device, sizeBytes) {
    if (!(device instanceof ImageFile)) {
      throw new MirrorpointError(
        'unsupported',
        `${device.name} is no image file, so its size is not ours to change. Enlarge the drive by its own means, then grow the volume.`,
      );
    }
    await device.grow(wholeSectors(sizeBytes));
  },
  async undoCreate(device) {
    await device.close();
    if (made.delete(device)) rmSync(device.name, { force: true });
  },
};
