import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes, MirrorpointError } from '../base/index.ts';
import { blockDeviceOf, findUse } from './block-devices.ts';
import type { BlockDevice } from './block-devices.ts';
import { contentsText, headBytes, recogniseContents, tailBytes } from './content-signature.ts';
import { type DriveEnds, type DriveIdentity, driveToken } from './drive-token.ts';
import { DescriptorDevice } from './descriptor-device.ts';
import type { DescriptorDeviceOptions } from './descriptor-device.ts';
import { deviceFault } from './device.ts';
import { inUse } from './file-lock.ts';
import { closingOnFault, openDescriptor } from './image-file.ts';

const claimTries = 3;
const claimPauseMs = 40;

export interface AttachedDriveOptions {
  /** Opens without claiming the drive, and refuses writes. */
  readOnly?: boolean;
  /** Whatever the drive holds may be lost. `true` erases it at once, `later` leaves that to the caller. */
  erase?: boolean | 'later';
  /** Of the drive that was chosen (`driveToken`): compared once the drive is claimed, before anything is written. */
  token?: string | undefined;
}

/**
 * A block device of this machine, on Linux. Opened with O_EXCL, with which the
 * kernel refuses a second claim, be it another process, a mount or a RAID.
 * Discards are ignored.
 */
export class AttachedDrive extends DescriptorDevice {
  readonly identity: DriveIdentity;

  private constructor(options: DescriptorDeviceOptions, identity: DriveIdentity) {
    super(options);
    this.identity = identity;
  }

  /**
   * Opens a drive. Throws `device-not-found`, `not-permitted`,
   * `device-unsuitable` when it is no block device or has no size,
   * `device-in-use` when it is mounted, swap, part of something else, holds
   * the running system or is open elsewhere, `device-has-content` saying what
   * was found unless it is blank, ours or to be erased, `device-changed` when
   * it is not the one that the token stands for, and `unsupported` on other
   * systems than Linux.
   */
  static async open(path: string, options: AttachedDriveOptions = {}): Promise<AttachedDrive> {
    refuseOtherSystems();
    const readOnly = options.readOnly ?? false;
    const block = findBlockDevice(path);
    const { O_RDONLY, O_RDWR, O_EXCL } = fs.constants;
    if (!readOnly && block.isReadOnly) throw unsuitable(path, 'it is read-only');
    const use = findUse(block);
    if (!readOnly && use.reason !== undefined) {
      const text = `${path} must be left alone: ${use.reason}. Unmount or release it first, or choose another drive.`;
      throw new MirrorpointError('device-in-use', text);
    }
    const fd = await openClaiming(path, readOnly ? O_RDONLY : O_RDWR | O_EXCL);
    return closingOnFault(fd, async () => {
      const opened = fs.fstatSync(fd);
      const still = blockDeviceOf(deviceNumber(opened.rdev));
      if (still?.number !== block.number) throw unsuitable(path, 'it was exchanged while it was being opened');
      const { model, serial, sizeBytes } = still;
      if (sizeBytes === 0) throw unsuitable(path, 'it has no size; perhaps no medium is in it');
      const drive = new AttachedDrive({ name: path, fd, sizeBytes, readOnly }, { path, model, serial, sizeBytes });
      if (!readOnly) await drive.#checkContents(still, options);
      return drive;
    });
  }

  async #checkContents(block: BlockDevice, { erase = false, token }: AttachedDriveOptions): Promise<void> {
    const ends = await readEnds(this.fd, this.name, this.sizeBytes);
    const contents = recogniseContents(ends.head, ends.tail, this.sizeBytes);
    if (token !== undefined && token !== driveToken(block, ends)) {
      const text = `${this.#which} is not what was chosen: another drive is there now, or something was written to it since. It holds ${contentsText(contents)}. Look at the drives again, and choose anew.`;
      throw new MirrorpointError('device-changed', text);
    }
    if (erase === true) {
      await this.erase();
    } else if (erase === false && contents.kind === 'foreign') {
      const text = `${this.#which} holds ${contents.what}. Choose another drive, or have it erased to lose all of that.`;
      throw new MirrorpointError('device-has-content', text);
    }
  }

  get #which(): string {
    const { path, model, serial, sizeBytes } = this.identity;
    return `${path} (${[model, serial, formatBytes(sizeBytes)].filter((part) => part !== '').join(', ')})`;
  }

  /** Overwrites the first 2 MiB and the last 1 MiB, so that no other system recognises the drive any more. */
  async erase(): Promise<void> {
    const head = Math.min(headBytes, this.sizeBytes);
    const tail = Math.min(tailBytes, this.sizeBytes - head);
    await this.write(0, [new Uint8Array(head)]);
    if (tail > 0) await this.write(this.sizeBytes - tail, [new Uint8Array(tail)]);
    await this.flush();
  }
}

/** Reads what a drive is recognised by. */
export async function readEnds(fd: number, name: string, sizeBytes: number): Promise<DriveEnds> {
  const head = await readAt(fd, name, 0, Math.min(headBytes, sizeBytes));
  const tailLength = Math.min(tailBytes, sizeBytes);
  return { head, tail: await readAt(fd, name, sizeBytes - tailLength, tailLength) };
}

async function readAt(fd: number, name: string, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  for (let done = 0; done < lengthBytes; ) {
    done += await new Promise<number>((resolve, reject) => {
      fs.read(fd, bytes, done, lengthBytes - done, offsetBytes + done, (error, count) => {
        const cause = error ?? (count === 0 ? 'it ended early' : undefined);
        if (cause) reject(deviceFault({ name, operation: 'read', offsetBytes: offsetBytes + done, cause }));
        else resolve(count);
      });
    });
  }
  return bytes;
}

/** Throws `unsupported` where drives cannot be used. */
export function refuseOtherSystems(): void {
  if (process.platform === 'linux') return;
  const text = `Attached drives are supported on Linux only, not on ${process.platform}. Use a disk image instead.`;
  throw new MirrorpointError('unsupported', text);
}

/** Linux's encoding of a device number in 32 bits: 12 bits of major between 20 bits of minor. */
export function deviceNumber(rdev: number): string {
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}

function findBlockDevice(path: string): BlockDevice {
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw deviceFault({ name: path, operation: 'open', cause });
  }
  if (!stat) throw new MirrorpointError('device-not-found', `${path} does not exist. Check that the drive is attached.`);
  if (!stat.isBlockDevice()) throw unsuitable(path, 'it is not a block device');
  const block = blockDeviceOf(deviceNumber(stat.rdev));
  if (!block) throw unsuitable(path, 'the system does not describe it under /sys');
  return block;
}

async function openClaiming(path: string, flags: number): Promise<number> {
  try {
    return await claiming(() => openDescriptor(path, flags));
  } catch (fault) {
    throw isBusy(fault) ? inUse(path, undefined) : fault;
  }
}

/** Claims a drive by `open`. Whoever only looks at it claims it for a moment too: what is busy is tried again before it is given up. */
export async function claiming<T>(open: () => T | Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await open();
    } catch (fault) {
      if (tried === claimTries || !isBusy(fault)) throw fault;
      await sleep(claimPauseMs);
    }
  }
}

/** Whether an opening failed because somebody else has claimed the drive. */
export function isBusy(fault: unknown): boolean {
  const cause = fault instanceof MirrorpointError ? fault.cause : fault;
  return cause instanceof Error && 'code' in cause && cause.code === 'EBUSY';
}

function unsuitable(path: string, why: string): MirrorpointError {
  return new MirrorpointError('device-unsuitable', `${path} cannot be used as a drive: ${why}. Choose another one.`);
}
