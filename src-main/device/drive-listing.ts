import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { MirrorpointError } from '../base/index.ts';
import { claiming, isBusy, readEnds, refuseOtherSystems } from './attached-drive.ts';
import { type BlockDevice, type BlockUse, findUse, listBlockDevices } from './block-devices.ts';
import { type DriveContents, recogniseContents } from './content-signature.ts';
import { deviceFault } from './device.ts';
import { driveToken } from './drive-token.ts';

/** A drive or partition as the system describes it. The drive itself was not touched for that. */
export type DriveListing = Omit<BlockDevice, 'kernelName' | 'folder'> & BlockUse;

/** What a drive itself told. */
export interface DriveExamination {
  readonly contents: DriveContents;
  /** Another program has it open for itself. */
  readonly isClaimed: boolean;
  /** Stands for this drive with this content. */
  readonly token: string;
}

/** Memory and media that come and go are no place for a volume. */
const passedOver = /^(ram|zram|fd|sr)\d/;

/** Smaller ones hold boot loaders, or describe other partitions. */
const partitionBytesMin = 16 * 1_048_576;

/** All drives of this machine, and the partitions of a size worth it. Throws `unsupported` on other systems than Linux. */
export function listDrives(): DriveListing[] {
  refuseOtherSystems();
  const blocks = listBlockDevices().filter(({ kernelName, isPartition, sizeBytes }) => {
    return !passedOver.test(kernelName) && (!isPartition || sizeBytes >= partitionBytesMin);
  });
  return blocks.map((block) => {
    const { kernelName: _kernelName, folder: _folder, ...rest } = block;
    return { ...rest, ...findUse(block) };
  });
}

/**
 * Reads the beginning and the end of a drive, and tries whether it could be
 * claimed. A drive that does not answer keeps this waiting for ever, and what
 * it waits in cannot be ended: a process of its own is the place for it.
 * Throws `not-permitted`, `device-not-found` and `device-io`.
 */
export async function examineDrive(drive: DriveListing): Promise<DriveExamination> {
  const { path, sizeBytes, reason } = drive;
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  await using handle = await open(path, O_RDONLY | O_NONBLOCK).catch((cause: unknown) => {
    throw openingFault(path, cause);
  });
  const ends = await readEnds(handle.fd, path, sizeBytes);
  return {
    contents: recogniseContents(ends.head, ends.tail, sizeBytes),
    isClaimed: reason === undefined && (await isClaimed(path)),
    token: driveToken(drive, ends),
  };
}

async function isClaimed(path: string): Promise<boolean> {
  const { O_RDONLY, O_EXCL, O_NONBLOCK } = fs.constants;
  try {
    await (await claiming(() => open(path, O_RDONLY | O_EXCL | O_NONBLOCK))).close();
    return false;
  } catch (cause) {
    if (isBusy(cause)) return true;
    throw openingFault(path, cause);
  }
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

function openingFault(path: string, cause: unknown): MirrorpointError {
  const code = codeOf(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    return new MirrorpointError('not-permitted', `${path} may not be read by this user. Run the server as one who may.`, { cause });
  }
  if (code === 'ENOENT' || code === 'ENXIO' || code === 'ENOMEDIUM' || code === 'ENODEV') {
    return new MirrorpointError('device-not-found', `${path} is not there any more. Look at the drives again.`, { cause });
  }
  return deviceFault({ name: path, operation: 'open', cause });
}
