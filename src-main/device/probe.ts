import * as fs from 'node:fs';
import { MirrorpointError } from '../base/index.ts';
import { AttachedDrive } from './attached-drive.ts';
import type { AttachedDriveOptions } from './attached-drive.ts';
import { contentsText, headBytes, recogniseContents, tailBytes } from './content-signature.ts';
import type { Device } from './device.ts';
import { ImageFile } from './image-file.ts';
import type { ImageFileCreateOptions, ImageFileOpenOptions } from './image-file.ts';

/** What a path leads to, symbolic links followed. */
export type PathKind = 'file' | 'block-device' | 'missing' | 'directory' | 'other';

export function probePath(path: string): PathKind {
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(path, { throwIfNoEntry: false });
  } catch {
    // Whoever opens it gets the reason from the system.
    return 'missing';
  }
  if (!stat) return 'missing';
  if (stat.isFile()) return 'file';
  if (stat.isBlockDevice()) return 'block-device';
  return stat.isDirectory() ? 'directory' : 'other';
}

export type OpenDeviceOptions = ImageFileOpenOptions & Pick<AttachedDriveOptions, 'readOnly'>;

export interface CreateDeviceOptions extends Omit<ImageFileCreateOptions, 'sizeBytes'> {
  /** The size of an image to make, a multiple of 512. A drive, and an image that is there already, has its own. */
  sizeBytes?: number;
  /** For what is there already: whatever it holds may be lost. A drive can be claimed first, and erased `later`. */
  erase?: boolean | 'later';
  /** Of the drive that was chosen. */
  token?: string | undefined;
}

/** Opens the image file or attached drive at a path. Errors are those of the two, and `device-unsuitable` for other paths. */
export async function openDevice(path: string, options: OpenDeviceOptions = {}): Promise<Device> {
  const kind = probePath(path);
  if (kind === 'block-device') return AttachedDrive.open(path, { readOnly: options.readOnly ?? false });
  if (kind === 'directory' || kind === 'other') throw unsuitable(path, kind);
  return ImageFile.open(path, options);
}

/**
 * Makes ready a new device at a path: creates the image file, or opens the
 * drive or blank image that is there. Throws `device-has-content` when it holds
 * something unknown and may not be erased, `device-changed` when it is not the
 * drive that was chosen, and the errors of both kinds.
 */
export async function createDevice(path: string, options: CreateDeviceOptions = {}): Promise<Device> {
  const kind = probePath(path);
  if (kind === 'block-device') return AttachedDrive.open(path, { erase: options.erase ?? false, token: options.token });
  if (options.token !== undefined) {
    throw new MirrorpointError('device-changed', `The drive that was chosen is not at ${path} any more. Look at the drives again, and choose anew.`);
  }
  if (kind === 'directory' || kind === 'other') throw unsuitable(path, kind);
  if (kind === 'file' && options.sizeBytes === undefined) return openForNewVolume(path, options);
  if (options.sizeBytes === undefined) {
    throw new MirrorpointError('argument-invalid', `${path} would be a new disk image, which needs a size. Give one.`);
  }
  return ImageFile.create(path, { ...options, sizeBytes: options.sizeBytes });
}

/** An image without a size is one that was made before by other means. */
async function openForNewVolume(path: string, options: CreateDeviceOptions): Promise<ImageFile> {
  const { discard = 'ignore', erase = false } = options;
  const image = await ImageFile.open(path, { discard });
  try {
    if (erase === false) await refuseUnknownContents(image);
    return image;
  } catch (fault) {
    await image.close();
    throw fault;
  }
}

async function refuseUnknownContents(image: ImageFile): Promise<void> {
  const { sizeBytes } = image;
  const head = new Uint8Array(Math.min(headBytes, sizeBytes));
  const tail = new Uint8Array(Math.min(tailBytes, sizeBytes));
  await image.read(0, [head]);
  await image.read(sizeBytes - tail.length, [tail]);
  const contents = recogniseContents(head, tail, sizeBytes);
  if (contents.kind !== 'foreign') return;
  const text = `${image.name} holds ${contentsText(contents)}. Choose another file, or have it erased to lose all of that.`;
  throw new MirrorpointError('device-has-content', text);
}

function unsuitable(path: string, kind: PathKind): MirrorpointError {
  const what = kind === 'directory' ? 'a directory' : 'neither a file nor a block device';
  const text = `${path} is ${what}, so it cannot be a device. Give the path of a disk image or a drive.`;
  return new MirrorpointError('device-unsuitable', text);
}
