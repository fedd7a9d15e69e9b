import { MirrorpointError } from '../base/index.ts';
import type { Device } from './device.ts';
import { carriesLabel, isLabelCopy, writeLabelCopy } from './label-copies.ts';
import { labelBytes, labelOffsetsBytes } from './label.ts';
import type { Label, SetDescription } from './label.ts';
import { settleAll } from './region.ts';
import type { LabelledDevice } from './set-assembly.ts';

/** Writes one label copy on each of the devices, all at once, and makes them durable. */
async function writeCopies(
  devices: readonly Device[],
  set: SetDescription,
  copyOf: (deviceIndex: number) => 0 | 1 | undefined,
): Promise<void> {
  const written = devices.filter((_, index) => copyOf(index) !== undefined);
  await settleAll(
    devices.map(async (device, deviceIndex) => {
      const copy = copyOf(deviceIndex);
      if (copy !== undefined) await writeLabelCopy(device, { deviceIndex, set }, copy);
    }),
  );
  await settleAll(written.map((device) => device.flush()));
}

/**
 * Writes the labels of a set whose present copies are all whole: devices that
 * are new to it first, then every first copy, then every second, so that each
 * device has a whole label at any moment.
 */
export async function writeLabels(devices: readonly Device[], set: SetDescription, knownCount = 0): Promise<void> {
  if (knownCount > 0 && knownCount < devices.length) {
    await writeCopies(devices, set, (index) => (index < knownCount ? undefined : 0));
  }
  await writeCopies(devices, set, () => 0);
  await writeCopies(devices, set, () => 1);
}

/** Brings every label to the set's description, on each device the damaged or older copy first. */
export async function mendLabels(members: readonly LabelledDevice[], set: SetDescription): Promise<void> {
  const devices = members.map((member) => member.device);
  const isBehind = (index: number): boolean => members[index]!.copies.label.set.generation !== set.generation;
  const firstCopy = (index: number): 0 | 1 | undefined => {
    return members[index]!.copies.staleCopies[0] ?? (isBehind(index) ? 0 : undefined);
  };
  await writeCopies(devices, set, firstCopy);
  await writeCopies(devices, set, (index) => (isBehind(index) ? (firstCopy(index) === 0 ? 1 : 0) : undefined));
}

/** Writes both copies of one device's label, one durable before the other is written. */
export async function writeLabelsOf(device: Device, label: Label): Promise<void> {
  for (const copy of [0, 1] as const) {
    await writeLabelCopy(device, label, copy);
    await device.flush();
  }
}

/** Writes every copy anew that is not the set's label, one after another; resolves to how many those were. */
export async function rewriteLabels(devices: readonly Device[], set: SetDescription): Promise<number> {
  let rewritten = 0;
  for (const [deviceIndex, device] of devices.entries()) {
    for (const copy of [0, 1] as const) {
      if (await isLabelCopy(device, { deviceIndex, set }, copy)) continue;
      await writeLabelCopy(device, { deviceIndex, set }, copy);
      await device.flush();
      rewritten++;
    }
  }
  return rewritten;
}

/** Throws `volume-exists` when the device carries a label. */
export async function refuseLabel(device: Device): Promise<void> {
  if (!(await carriesLabel(device))) return;
  const text = `${device.name} already belongs to a volume. Use another device, or have it wiped to lose what is on it.`;
  throw new MirrorpointError('volume-exists', text);
}

export async function eraseLabels(devices: readonly Device[]): Promise<void> {
  await settleAll(
    devices.map(async (device) => {
      for (const offsetBytes of labelOffsetsBytes) {
        if (offsetBytes + labelBytes <= device.sizeBytes) await device.write(offsetBytes, [new Uint8Array(labelBytes)]);
      }
      await device.flush();
    }),
  );
}

const chunkBytes = 1_048_576;
const zeros = new Uint8Array(chunkBytes);

/** Makes a whole region read as zeros, writing only where it does not yet, so that sparse devices stay sparse. */
export async function zeroFill(region: Device): Promise<void> {
  const buffer = new Uint8Array(Math.min(chunkBytes, region.sizeBytes));
  for (let at = 0; at < region.sizeBytes; at += chunkBytes) {
    const length = Math.min(chunkBytes, region.sizeBytes - at);
    const part = buffer.subarray(0, length);
    await region.read(at, [part]);
    if (Buffer.compare(part, zeros.subarray(0, length)) !== 0) await region.write(at, [zeros.subarray(0, length)]);
  }
}
