import { assert, formatBytes, MirrorpointError } from '../base/index.ts';
import {
  bodyOffsetBytes,
  journalBytesMax,
  layoutUnitBytes,
  rootAreaAOffsetBytes,
  rootAreaBytes,
  segmentsMax,
} from './label.ts';
import type { LabelDevice, Segment, SetDescription } from './label.ts';

/** A device as the layout sees it. */
export interface Room {
  readonly name: string;
  readonly id: Uint8Array;
  readonly sizeBytes: number;
}

function roundUp(bytes: number, unitBytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes;
}

/** Where a device's data begins, given the journal's size on device 0. */
function dataOffsetBytes(deviceIndex: number, journalBytes: number): number {
  return deviceIndex === 0 ? bodyOffsetBytes + journalBytes + rootAreaBytes : bodyOffsetBytes;
}

function blocksOf(room: Room, offsetBytes: number, blockSizeBytes: number): number {
  const blockCount = Math.floor((room.sizeBytes - offsetBytes) / blockSizeBytes);
  if (blockCount >= 1) return blockCount;
  const needed = formatBytes(offsetBytes + blockSizeBytes);
  const text = `${room.name} has ${formatBytes(room.sizeBytes)}, too little for a device of a volume. Give it at least ${needed}.`;
  throw new MirrorpointError('device-too-small', text);
}

/** Lays a new set out over the devices. Throws `device-too-small`. */
export function layOut(options: {
  rooms: readonly Room[];
  volumeId: Uint8Array;
  setId: Uint8Array;
  blockSizeBytes: number;
  journalBytes: number;
}): SetDescription {
  const { rooms, blockSizeBytes } = options;
  assert(options.journalBytes > 0 && options.journalBytes <= journalBytesMax, 'the journal must have a size');
  const journalBytes = roundUp(options.journalBytes, layoutUnitBytes);
  const segments: Segment[] = [];
  const devices: LabelDevice[] = [];
  let firstVbn = 0;
  rooms.forEach((room, deviceIndex) => {
    const deviceOffsetBytes = dataOffsetBytes(deviceIndex, journalBytes);
    const blockCount = blocksOf(room, deviceOffsetBytes, blockSizeBytes);
    segments.push({ firstVbn, blockCount, deviceIndex, deviceOffsetBytes });
    devices.push({ id: room.id, sizeBytes: deviceOffsetBytes + blockCount * blockSizeBytes });
    firstVbn += blockCount;
  });
  return {
    volumeId: options.volumeId,
    setId: options.setId,
    blockSizeBytes,
    generation: 1,
    journalOffsetBytes: bodyOffsetBytes,
    journalBytes,
    rootAreaOffsetsBytes: [rootAreaAOffsetBytes, bodyOffsetBytes + journalBytes],
    devices,
    segments,
  };
}

/**
 * The set after it took in the room that its devices now have, and the devices
 * added at the end. Blocks keep their numbers: growth appends segments. The
 * same description comes back when there is nothing to take in.
 */
export function extend(set: SetDescription, rooms: readonly Room[]): SetDescription {
  const segments = [...set.segments];
  const devices: LabelDevice[] = [];
  rooms.forEach((room, deviceIndex) => {
    const known = set.devices[deviceIndex];
    const from = known?.sizeBytes ?? dataOffsetBytes(deviceIndex, set.journalBytes);
    const gained = Math.floor((room.sizeBytes - from) / set.blockSizeBytes);
    const blockCount = known ? gained : blocksOf(room, from, set.blockSizeBytes);
    if (blockCount >= 1) append(segments, { deviceIndex, deviceOffsetBytes: from, blockCount }, set.blockSizeBytes);
    devices.push({ id: room.id, sizeBytes: from + Math.max(0, blockCount) * set.blockSizeBytes });
  });
  if (segments.length > segmentsMax) {
    const text = `The device set would have ${segments.length} segments; its labels hold ${segmentsMax}. Create a new volume on larger devices.`;
    throw new MirrorpointError('unsupported', text);
  }
  const before = set.segments.reduce((sum, segment) => sum + segment.blockCount, 0);
  const after = segments.reduce((sum, segment) => sum + segment.blockCount, 0);
  if (after === before) return set;
  return { ...set, generation: set.generation + 1, devices, segments };
}

/** Appends a run of blocks, as part of the last segment where it follows on the same device. */
function append(segments: Segment[], run: Omit<Segment, 'firstVbn'>, blockSizeBytes: number): void {
  const last = segments[segments.length - 1]!;
  const lastEndBytes = last.deviceOffsetBytes + last.blockCount * blockSizeBytes;
  if (last.deviceIndex === run.deviceIndex && lastEndBytes === run.deviceOffsetBytes) {
    segments[segments.length - 1] = { ...last, blockCount: last.blockCount + run.blockCount };
  } else {
    segments.push({ ...run, firstVbn: last.firstVbn + last.blockCount });
  }
}
