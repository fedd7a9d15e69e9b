import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import { AttachedDrive, createDevice, type Device, ImageFile, openDevice, probePath, sectorBytes } from '../../device/index.ts';
import type { DeviceOpener, NewDeviceOptions } from '../../engine/index.ts';

function wholeSectors(sizeBytes: number): number {
  return Math.floor(sizeBytes / sectorBytes) * sectorBytes;
}

/** The size of an image that somebody asked for. Throws `device-too-small`. */
function imageBytes(path: string, sizeBytes: number): number {
  const whole = wholeSectors(sizeBytes);
  if (whole > 0) return whole;
  throw new MirrorpointError('device-too-small', `${path} cannot be made with ${sizeBytes} bytes, which is less than a sector of ${sectorBytes}. Give a size such as 10G.`);
}

/** Image files that this process made, while they are open, so that it removes no others. */
const made = new WeakSet<Device>();

async function create(path: string, options: NewDeviceOptions): Promise<Device> {
  const { sizeBytes, preallocate = false, erase = false, token } = options;
  const discard = options.discard === true ? 'punch' : 'ignore';
  const isNew = probePath(path) === 'missing';
  const size = sizeBytes === undefined ? {} : { sizeBytes: imageBytes(path, sizeBytes) };
  const device = await createDevice(path, { ...size, preallocate, erase: erase && 'later', overwrite: erase, discard, token });
  if (isNew) made.add(device);
  return device;
}

const scratchSuffix = '.mirrorpoint-scratch';

/**
 * Makes a sparse image that nobody else sees. Its name is taken away at once, so
 * that its room comes back with its closing, also when the process is killed;
 * where the system does not allow that, the next one that is made does it.
 */
export async function openScratch(name: string, options: { sizeBytes: number; folder: string }): Promise<Device> {
  const { folder, sizeBytes } = options;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new MirrorpointError('device-not-found', `The folder ${folder} cannot be made: ${reasonOf(cause)}. Name another one.`, { cause });
  }
  for (const entry of readdirSync(folder)) if (entry.endsWith(scratchSuffix)) removeUnlessOpen(join(folder, entry));
  const path = join(folder, `${name}-${process.pid}${scratchSuffix}`);
  const device = await createDevice(path, { sizeBytes: wholeSectors(sizeBytes), overwrite: true });
  removeUnlessOpen(path);
  return device;
}

function removeUnlessOpen(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is open, on a system that does not remove such files.
  }
}

/** Image files and drives of this machine. */
export const machineDevices: DeviceOpener = {
  open: (path, options) =>
    openDevice(path, { readOnly: options.readOnly ?? false, discard: options.discard === true ? 'punch' : 'ignore' }),
  create,
  async erase(device) {
    if (device instanceof AttachedDrive) await device.erase();
  },
  async enlarge(device, sizeBytes, { preallocate }) {
    if (!(device instanceof ImageFile)) {
      throw new MirrorpointError(
        'unsupported',
        `${device.name} is no image file, so its size is not ours to change. Enlarge the drive by its own means, then grow the volume.`,
      );
    }
    await device.grow(wholeSectors(sizeBytes), { preallocate });
  },
  async undoCreate(device) {
    await device.close();
    if (made.delete(device)) rmSync(device.name, { force: true });
  },
};
