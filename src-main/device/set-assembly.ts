import { bytesEqual, formatBytes, MirrorpointError } from '../base/index.ts';
import type { Device } from './device.ts';
import { idText, readLabel } from './label-copies.ts';
import type { LabelCopies } from './label-copies.ts';
import type { SetDescription } from './label.ts';

/** A device together with what its label says. */
export interface LabelledDevice {
  readonly device: Device;
  readonly copies: LabelCopies;
}

/** The devices in the order of their set, and the set that they agree on. */
export interface Assembly {
  readonly set: SetDescription;
  readonly members: readonly LabelledDevice[];
}

/**
 * Finds out which set the devices are, in whatever order they come. The label
 * of the highest generation decides; between equals, which only a growth that
 * was given up can leave behind, that of device 0. Throws `not-a-volume`,
 * `volume-damaged`, `format-too-new`, `device-foreign`, `device-in-use` for a
 * device given twice, `device-missing` and `device-too-small`.
 */
export async function assemble(devices: readonly Device[]): Promise<Assembly> {
  const found: LabelledDevice[] = [];
  for (const device of devices) found.push({ device, copies: await readLabel(device) });
  checkSameSet(found);
  const set = decide(found);
  checkMembership(found, set);
  const members = set.devices.map((entry, index) => {
    const member = found.find(({ copies }) => bytesEqual(ownId(copies), entry.id));
    if (!member) throw missing(set, index);
    if (member.device.sizeBytes < entry.sizeBytes) throw shrunk(member.device, index, entry.sizeBytes);
    return member;
  });
  return { set, members };
}

function ownId(copies: LabelCopies): Uint8Array {
  return copies.label.set.devices[copies.label.deviceIndex]!.id;
}

function checkSameSet(found: readonly LabelledDevice[]): void {
  const first = found[0]!;
  for (const { device, copies } of found) {
    if (bytesEqual(copies.label.set.setId, first.copies.label.set.setId)) continue;
    const other = idText(copies.label.set.volumeId);
    const own = idText(first.copies.label.set.volumeId);
    const text = `${device.name} belongs to another device set, of volume ${other}; ${first.device.name} is of volume ${own}. Give the devices of one set only.`;
    throw new MirrorpointError('device-foreign', text);
  }
}

function decide(found: readonly LabelledDevice[]): SetDescription {
  let best = found[0]!.copies.label;
  for (const { copies } of found) {
    const { label } = copies;
    const newer = label.set.generation - best.set.generation;
    if (newer > 0 || (newer === 0 && label.deviceIndex < best.deviceIndex)) best = label;
  }
  return best.set;
}

function checkMembership(found: readonly LabelledDevice[], set: SetDescription): void {
  const seen = new Map<string, Device>();
  for (const { device, copies } of found) {
    const id = idText(ownId(copies));
    const twin = seen.get(id);
    if (twin) {
      const text = `${device.name} and ${twin.name} are the same device ${id} of volume ${idText(set.volumeId)}. Give each device once, and no copy of it.`;
      throw new MirrorpointError('device-in-use', text);
    }
    seen.set(id, device);
    if (set.devices.some((entry) => bytesEqual(entry.id, ownId(copies)))) continue;
    const text = `${device.name} was once prepared for volume ${idText(set.volumeId)} but never became part of it. Leave it out, or add it again.`;
    throw new MirrorpointError('device-foreign', text);
  }
}

function missing(set: SetDescription, index: number): MirrorpointError {
  const entry = set.devices[index]!;
  const text = `Device ${index} of ${set.devices.length} of volume ${idText(set.volumeId)} is missing: id ${idText(entry.id)}, ${formatBytes(entry.sizeBytes)}. Give its path too.`;
  return new MirrorpointError('device-missing', text);
}

function shrunk(device: Device, index: number, sizeBytes: number): MirrorpointError {
  const text = `${device.name}, device ${index} of its set, has ${device.sizeBytes} bytes; the volume uses ${sizeBytes} of it. Restore it to its full size.`;
  return new MirrorpointError('device-too-small', text);
}
