import { type Device, DeviceSet } from '../../src-main/device/index.ts';

/** Where the parts of a volume lie on its first device, in bytes. */
export interface Places {
  rootAreas: readonly [number, number];
  journal: number;
  data: number;
}

export type Part = 'label' | 'root' | 'journal' | 'data';

export async function placesOf(devices: readonly Device[]): Promise<Places> {
  const { description } = await DeviceSet.open(devices, { readOnly: true });
  const { journalOffsetBytes: journal, rootAreaOffsetsBytes, segments } = description;
  return { rootAreas: rootAreaOffsetsBytes, journal, data: segments[0]!.deviceOffsetBytes };
}

/** Which part an offset lies in. */
export function partAt(places: Places, offsetBytes: number): Part {
  if (offsetBytes >= places.data) return 'data';
  if (offsetBytes >= places.rootAreas[1]) return 'root';
  if (offsetBytes >= places.journal) return 'journal';
  return offsetBytes >= places.rootAreas[0] ? 'root' : 'label';
}
