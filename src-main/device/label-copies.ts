import { bytesEqual, isFault, MirrorpointError, toHex } from '../base/index.ts';
import type { Device } from './device.ts';
import { decodeLabel, encodeLabel, labelBytes, labelOffsetsBytes, labelVersion } from './label.ts';
import type { Label, LabelReading } from './label.ts';

/** What the two copies of a device's label say together. */
export interface LabelCopies {
  readonly label: Label;
  /** Which copies are not the label above and need to be written again. */
  readonly staleCopies: readonly (0 | 1)[];
}

async function readCopy(device: Device, copy: 0 | 1): Promise<LabelReading> {
  const offsetBytes = labelOffsetsBytes[copy];
  if (offsetBytes + labelBytes > device.sizeBytes) return { kind: 'absent' };
  const bytes = new Uint8Array(labelBytes);
  await device.read(offsetBytes, [bytes]);
  return decodeLabel(bytes);
}

/** Whether the device carries a label of any kind, whole, damaged or newer. */
export async function carriesLabel(device: Device): Promise<boolean> {
  const readings = [await readCopy(device, 0), await readCopy(device, 1)];
  return readings.some((reading) => reading.kind !== 'absent');
}

/**
 * Reads both copies; the one of the higher generation is the label. Throws
 * `not-a-volume`, `volume-damaged` or `format-too-new`.
 */
export async function readLabel(device: Device): Promise<LabelCopies> {
  const readings = [await readCopy(device, 0), await readCopy(device, 1)] as const;
  for (const reading of readings) {
    if (reading.kind !== 'too-new') continue;
    const text = `${device.name} has format ${reading.version}, but this version of Mirrorpoint reads up to format ${labelVersion}. Use a newer Mirrorpoint.`;
    throw new MirrorpointError('format-too-new', text);
  }
  const label = newerOf(readings);
  if (label) {
    const stale = ([0, 1] as const).filter((copy) => {
      const reading = readings[copy];
      return reading.kind !== 'label' || !sameLabel(reading.label, label);
    });
    return { label, staleCopies: stale };
  }
  if (readings.every((reading) => reading.kind === 'absent')) {
    const text = `${device.name} is not a device of a volume: it has no label. Check the path, or create a volume on it.`;
    throw new MirrorpointError('not-a-volume', text);
  }
  const text = `Both copies of the label of ${device.name} are damaged. Restore the device from its mirror.`;
  throw new MirrorpointError('volume-damaged', text);
}

function newerOf(readings: readonly [LabelReading, LabelReading]): Label | undefined {
  const [first, second] = readings.map((reading) => (reading.kind === 'label' ? reading.label : undefined));
  if (!first || !second) return first ?? second;
  return second.set.generation > first.set.generation ? second : first;
}

function sameLabel(left: Label, right: Label): boolean {
  return bytesEqual(encodeLabel(left), encodeLabel(right));
}

/** Whether one copy can be read and is this very label. */
export async function isLabelCopy(device: Device, label: Label, copy: 0 | 1): Promise<boolean> {
  const bytes = new Uint8Array(labelBytes);
  try {
    await device.read(labelOffsetsBytes[copy], [bytes]);
  } catch (fault) {
    if (isFault(fault, 'device-io')) return false;
    throw fault;
  }
  return bytesEqual(bytes, encodeLabel(label));
}

/** Writes one copy; the caller flushes. */
export function writeLabelCopy(device: Device, label: Label, copy: 0 | 1): Promise<void> {
  return device.write(labelOffsetsBytes[copy], [encodeLabel(label)]);
}

/** How messages name a volume, a set or a device. */
export function idText(id: Uint8Array): string {
  return toHex(id);
}
