import {
  assert,
  checksumOf,
  getBigU64,
  getU16,
  getU32,
  getU48,
  getU64,
  MirrorpointError,
  setBigU64,
  setU16,
  setU32,
  setU48,
  setU64,
  u48Max,
} from '../base/index.ts';

/** The format that this version writes, and the newest that it reads. FORMAT.md describes every field. */
export const labelVersion = 1;
export const labelBytes = 4096;
/** Everything on a device begins at a multiple of this. */
export const layoutUnitBytes = 65_536;
/** Where the two copies of the label lie on every device. */
export const labelOffsetsBytes = [0, 17 * layoutUnitBytes] as const;
export const rootAreaSlots = 16;
export const rootSlotBytes = 65_536;
export const rootAreaBytes = rootAreaSlots * rootSlotBytes;
export const rootAreaAOffsetBytes = layoutUnitBytes;
/** What follows the second label: the journal on device 0, data on the others. */
export const bodyOffsetBytes = labelOffsetsBytes[1] + layoutUnitBytes;

export const devicesMax = 64;
export const segmentsMax = 95;
export const blockSizeBytesMin = 4096;
export const blockSizeBytesMax = 65_536;
export const journalBytesMax = 2 ** 40;

const magic = new TextEncoder().encode('MIRPTLBL');
const deviceTableOffset = 256;
const deviceEntryBytes = 24;
const segmentTableOffset = 1792;
const segmentEntryBytes = 24;
const checksumOffset = labelBytes - 8;

export interface LabelDevice {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** Bytes of the device that the set uses: it may be larger, never smaller. */
  readonly sizeBytes: number;
}

/** A run of the volume's blocks that lies in one piece on one device. */
export interface Segment {
  readonly firstVbn: number;
  readonly blockCount: number;
  readonly deviceIndex: number;
  readonly deviceOffsetBytes: number;
}

/** What the set is: the same on every device of it. */
export interface SetDescription {
  readonly volumeId: Uint8Array;
  readonly setId: Uint8Array;
  readonly blockSizeBytes: number;
  /** Counts the changes of the labels: the highest one decides. */
  readonly generation: number;
  readonly journalOffsetBytes: number;
  readonly journalBytes: number;
  readonly rootAreaOffsetsBytes: readonly [number, number];
  readonly devices: readonly LabelDevice[];
  readonly segments: readonly Segment[];
}

export interface Label {
  readonly deviceIndex: number;
  readonly set: SetDescription;
}

/** What 4096 bytes turned out to be. */
export type LabelReading =
  | { readonly kind: 'label'; readonly label: Label }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'too-new'; readonly version: number };

export function isBlockSize(bytes: number): boolean {
  return bytes >= blockSizeBytesMin && bytes <= blockSizeBytesMax && (bytes & (bytes - 1)) === 0;
}

/** Refuses a block size that is no power of two from 4 KiB to 64 KiB. */
export function checkBlockSize(bytes: number): void {
  if (isBlockSize(bytes)) return;
  const text = `A block size of ${bytes} bytes is not possible. Choose 4096, 8192, 16384, 32768 or 65536.`;
  throw new MirrorpointError('argument-invalid', text);
}

/** Whether the bytes begin like a label of any version, whole or not. */
export function looksLikeLabel(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

export function encodeLabel(label: Label): Uint8Array {
  const { set } = label;
  assert(set.devices.length >= 1 && set.devices.length <= devicesMax, 'a set has 1 to 64 devices');
  assert(set.segments.length <= segmentsMax, 'a set has at most 95 segments');
  const bytes = new Uint8Array(labelBytes);
  bytes.set(magic, 0);
  setU32(bytes, 8, labelVersion);
  setU32(bytes, 12, set.blockSizeBytes);
  bytes.set(set.volumeId, 16);
  bytes.set(set.setId, 32);
  bytes.set(set.devices[label.deviceIndex]!.id, 48);
  setU16(bytes, 64, label.deviceIndex);
  setU16(bytes, 66, set.devices.length);
  setU16(bytes, 68, set.segments.length);
  setU64(bytes, 72, set.generation);
  setU64(bytes, 80, labelOffsetsBytes[0]);
  setU64(bytes, 88, labelOffsetsBytes[1]);
  setU64(bytes, 96, set.rootAreaOffsetsBytes[0]);
  setU64(bytes, 104, set.rootAreaOffsetsBytes[1]);
  setU32(bytes, 112, rootAreaSlots);
  setU32(bytes, 116, rootSlotBytes);
  setU64(bytes, 120, set.journalOffsetBytes);
  setU64(bytes, 128, set.journalBytes);
  set.devices.forEach((device, index) => {
    const at = deviceTableOffset + index * deviceEntryBytes;
    bytes.set(device.id, at);
    setU64(bytes, at + 16, device.sizeBytes);
  });
  set.segments.forEach((segment, index) => {
    const at = segmentTableOffset + index * segmentEntryBytes;
    setU48(bytes, at, segment.firstVbn);
    setU16(bytes, at + 6, segment.deviceIndex);
    setU64(bytes, at + 8, segment.blockCount);
    setU64(bytes, at + 16, segment.deviceOffsetBytes);
  });
  setBigU64(bytes, checksumOffset, checksumOf(bytes.subarray(0, checksumOffset)));
  return bytes;
}

/**
 * Decodes a label. Its magic, version and checksum keep their places in every
 * version, so that a newer label is told apart from a damaged one.
 */
export function decodeLabel(bytes: Uint8Array): LabelReading {
  assert(bytes.length === labelBytes, 'a label is 4096 bytes');
  if (!looksLikeLabel(bytes)) return { kind: 'absent' };
  if (getBigU64(bytes, checksumOffset) !== checksumOf(bytes.subarray(0, checksumOffset))) return { kind: 'damaged' };
  const version = getU32(bytes, 8);
  if (version > labelVersion) return { kind: 'too-new', version };
  const deviceCount = getU16(bytes, 66);
  const segmentCount = getU16(bytes, 68);
  if (deviceCount < 1 || deviceCount > devicesMax || segmentCount > segmentsMax) return { kind: 'damaged' };
  const devices: LabelDevice[] = [];
  for (let index = 0; index < deviceCount; index++) {
    const at = deviceTableOffset + index * deviceEntryBytes;
    devices.push({ id: bytes.slice(at, at + 16), sizeBytes: getU64(bytes, at + 16) });
  }
  const segments: Segment[] = [];
  for (let index = 0; index < segmentCount; index++) {
    const at = segmentTableOffset + index * segmentEntryBytes;
    segments.push({
      firstVbn: getU48(bytes, at),
      deviceIndex: getU16(bytes, at + 6),
      blockCount: getU64(bytes, at + 8),
      deviceOffsetBytes: getU64(bytes, at + 16),
    });
  }
  const set: SetDescription = {
    blockSizeBytes: getU32(bytes, 12),
    volumeId: bytes.slice(16, 32),
    setId: bytes.slice(32, 48),
    generation: getU64(bytes, 72),
    rootAreaOffsetsBytes: [getU64(bytes, 96), getU64(bytes, 104)],
    journalOffsetBytes: getU64(bytes, 120),
    journalBytes: getU64(bytes, 128),
    devices,
    segments,
  };
  const label: Label = { deviceIndex: getU16(bytes, 64), set };
  const ownId = bytes.subarray(48, 64);
  return isPlausible(label, ownId, bytes) ? { kind: 'label', label } : { kind: 'damaged' };
}

/** Checks after reading what the encoder's callers hold when writing. */
function isPlausible(label: Label, ownId: Uint8Array, bytes: Uint8Array): boolean {
  const { set } = label;
  const own = set.devices[label.deviceIndex];
  if (!own || Buffer.compare(own.id, ownId) !== 0 || !isBlockSize(set.blockSizeBytes)) return false;
  if (getU64(bytes, 80) !== labelOffsetsBytes[0] || getU64(bytes, 88) !== labelOffsetsBytes[1]) return false;
  if (getU32(bytes, 112) !== rootAreaSlots || getU32(bytes, 116) !== rootSlotBytes) return false;
  const first = set.devices[0]!;
  const fixed: [number, number][] = [
    [set.rootAreaOffsetsBytes[0], rootAreaBytes],
    [set.rootAreaOffsetsBytes[1], rootAreaBytes],
    [set.journalOffsetBytes, set.journalBytes],
  ];
  if (fixed.some(([offset, length]) => !isInside(offset, length, first.sizeBytes))) return false;
  let nextVbn = 0;
  for (const segment of set.segments) {
    const device = set.devices[segment.deviceIndex];
    const lengthBytes = segment.blockCount * set.blockSizeBytes;
    if (!device || segment.firstVbn !== nextVbn || segment.blockCount < 1) return false;
    if (!isInside(segment.deviceOffsetBytes, lengthBytes, device.sizeBytes)) return false;
    nextVbn += segment.blockCount;
  }
  return nextVbn > 0 && nextVbn <= u48Max + 1;
}

function isInside(offsetBytes: number, lengthBytes: number, sizeBytes: number): boolean {
  if (!Number.isSafeInteger(offsetBytes) || !Number.isSafeInteger(lengthBytes)) return false;
  return offsetBytes >= layoutUnitBytes && offsetBytes % 512 === 0 && offsetBytes + lengthBytes <= sizeBytes;
}
