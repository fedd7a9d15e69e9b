/**
 * Device: spaces of bytes that survive a crash, and their joining into a set.
 *
 * The floors above know the `Device` port alone, in memory, in an image file,
 * on an attached drive or as a region of a device set. Invariants:
 * - A write is durable only after a flush that began when the write had ended.
 * - Whoever opened a device closes it; a device set owns its devices and
 *   closes them, its regions own nothing.
 * - A file or drive open for writing is open once, in one process.
 * - Only label.ts knows the offsets of the label's fields; FORMAT.md says them.
 */
export type { Device } from './device.ts';
export { areNeighbours, assertRange, deviceFault, OperationGate, sectorBytes, sliceBuffers, totalBytes } from './device.ts';
export * from './sparse-bytes.ts';
export * from './memory-device.ts';
export { OverlayDevice, type OverlayDeviceOptions } from './overlay-device.ts';
export type { DeviceErrors } from './device-errors.ts';
export { Region } from './region.ts';
export type { Extent } from './region.ts';
export {
  blockSizeBytesMax,
  blockSizeBytesMin,
  checkBlockSize,
  devicesMax,
  labelVersion,
  rootAreaBytes,
  rootAreaSlots,
  rootSlotBytes,
  segmentsMax,
} from './label.ts';
export type { LabelDevice, Segment, SetDescription } from './label.ts';
export { carriesLabel, readLabel } from './label-copies.ts';
export * from './device-set.ts';
export type { VolumeDevices } from './volume-devices.ts';
export { ImageFile } from './image-file.ts';
export type { ImageFileCreateOptions, ImageFileOpenOptions } from './image-file.ts';
export { AttachedDrive, deviceNumber } from './attached-drive.ts';
export type { AttachedDriveOptions } from './attached-drive.ts';
export { examineDrive, listDrives } from './drive-listing.ts';
export type { DriveExamination, DriveListing } from './drive-listing.ts';
export type { DriveIdentity } from './drive-token.ts';
export { contentsText } from './content-signature.ts';
export type { DriveContents } from './content-signature.ts';
export * from './probe.ts';
