import { type Drive, type MachineFolder, type NewDevice, parseSize } from '../../../src-main/contract/index.ts';
import { isFault } from '../../../src-main/contract/index.ts';
import { isAbsolutePath, pathIn } from '../../components/index.ts';

/** An image file that is to be made. */
export interface ImageDraft {
  readonly folder: string;
  readonly fileName: string;
  /** As it was typed. */
  readonly size: string;
  readonly preallocate: boolean;
}

/** A drive that was chosen, and what was typed to confirm that it is the right one. */
export interface DriveDraft {
  readonly drive: Drive;
  readonly typed: string;
}

/** Devices of a volume that is to be made, or one that is to join it: all of one kind. */
export interface DevicesDraft {
  readonly kind: 'image' | 'drive' | undefined;
  readonly images: readonly ImageDraft[];
  readonly drives: readonly DriveDraft[];
}

export const noImage: ImageDraft = { folder: '', fileName: '', size: '', preallocate: false };
export const noDevices: DevicesDraft = { kind: undefined, images: [noImage], drives: [] };

/** What is wrong with an image, by field; nothing for fields that are not filled in yet. */
export interface ImageFaults {
  readonly folder?: string;
  readonly fileName?: string;
  readonly size?: string;
}

function sizeOf(text: string): { bytes?: number; fault?: string } {
  try {
    return { bytes: parseSize(text) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { fault: thrown.message };
  }
}

function folderFault(folder: string, looked: MachineFolder | undefined): string | undefined {
  if (folder.trim() === '') return undefined;
  if (!isAbsolutePath(folder.trim())) return `The local path '${folder.trim()}' is not absolute. Write it out from the root.`;
  return looked?.isWritable === false ? `The server may not write to ${looked.path}. Choose a folder that it may write to.` : undefined;
}

function fileFault(fileName: string, looked: MachineFolder | undefined): string | undefined {
  const name = fileName.trim();
  if (name === '') return undefined;
  if (/[/\\]/.test(name) || name === '.' || name === '..') return `'${name}' is no name of a file. Choose the folder above.`;
  const isThere = looked?.entries.some((entry) => entry.name === name) === true;
  return isThere ? `There is '${name}' in that folder already. Choose another name, or attach the volume that is in it.` : undefined;
}

/** What is wrong with an image that is to be made. `looked` is its folder, once the server has looked at it. */
export function faultsOfImage(image: ImageDraft, looked: MachineFolder | undefined): ImageFaults {
  const folder = folderFault(image.folder, looked);
  const fileName = fileFault(image.fileName, looked);
  const size = image.size.trim() === '' ? undefined : sizeOf(image.size).fault;
  return { ...(folder !== undefined && { folder }), ...(fileName !== undefined && { fileName }), ...(size !== undefined && { size }) };
}

/** What the free room of the folder means for an image; undefined while there is nothing to say. */
export function roomHint(image: ImageDraft, looked: MachineFolder | undefined, format: (bytes: number) => string): string | undefined {
  if (looked === undefined) return undefined;
  const { bytes } = sizeOf(image.size);
  const free = `${format(looked.freeBytes)} free in ${looked.path}.`;
  if (bytes === undefined || bytes <= looked.freeBytes) return free;
  return image.preallocate
    ? `${free} An image of ${format(bytes)} does not fit.`
    : `${free} An image of ${format(bytes)} takes its room as it is used, and will not be filled to its end here.`;
}

/** Whether what has to be typed for a drive has been typed. */
export function isConfirmed({ drive, typed }: DriveDraft): boolean {
  return typed.trim() === drive.confirmation;
}

function newImage({ folder, fileName, size, preallocate }: ImageDraft): NewDevice | undefined {
  const { bytes } = sizeOf(size);
  if (bytes === undefined || !isAbsolutePath(folder.trim()) || fileName.trim() === '') return undefined;
  return { path: pathIn(folder.trim(), fileName.trim()), sizeBytes: bytes, preallocate, erase: false };
}

/** A blank drive is not to be erased: should it hold anything by then, it is refused. */
function newDrive({ drive }: DriveDraft): NewDevice {
  return { path: drive.path, preallocate: false, erase: drive.use === 'content', token: drive.token };
}

/** The devices as the server takes them; undefined while something is missing. What has to be typed for drives is not looked at. */
export function newDevicesOf({ kind, images, drives }: DevicesDraft): NewDevice[] | undefined {
  if (kind === undefined) return undefined;
  if (kind === 'drive') return drives.length === 0 ? undefined : drives.map(newDrive);
  const made = images.map(newImage);
  return made.length === 0 || made.includes(undefined) ? undefined : made.filter((one) => one !== undefined);
}

/** The bytes that the devices have together, as far as that is known. */
export function bytesOf({ kind, images, drives }: DevicesDraft): number {
  if (kind === 'drive') return drives.reduce((sum, { drive }) => sum + drive.sizeBytes, 0);
  return images.reduce((sum, { size }) => sum + (sizeOf(size).bytes ?? 0), 0);
}

/** What a drive is called where it is to be erased: its model and serial number, else its path. */
export function driveName({ model, serial, path }: Drive): string {
  const name = [model, serial].filter((part) => part !== undefined && part !== '').join(', ');
  return name === '' ? path : `${name} (${path})`;
}

const uses: Readonly<Record<Drive['use'], string>> = {
  free: 'Empty',
  content: 'Holds something, which is erased',
  mounted: 'In use',
  system: 'Holds what this machine runs from',
  volume: 'Belongs to a volume of this server',
};

export function driveUse({ use }: Drive): string {
  return uses[use];
}

/** What the button says: drives are named, because they are erased. */
export function verbFor({ kind, drives }: DevicesDraft, verb: string): string {
  if (kind !== 'drive' || drives.length === 0) return verb;
  const [only] = drives;
  const what = drives.length === 1 && only !== undefined ? (only.drive.serial ?? only.drive.path) : `${drives.length} drives`;
  return `Erase ${what} and ${verb.charAt(0).toLowerCase()}${verb.slice(1)}`;
}

/** Whether nothing is missing: the devices are described in full, and each drive is confirmed. */
export function isReady(draft: DevicesDraft): boolean {
  return newDevicesOf(draft) !== undefined && (draft.kind !== 'drive' || draft.drives.every(isConfirmed));
}
