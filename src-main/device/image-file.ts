import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { assert, formatBytes, MirrorpointError, reasonOf } from '../base/index.ts';
import { DescriptorDevice } from './descriptor-device.ts';
import type { DescriptorDeviceOptions } from './descriptor-device.ts';
import { deviceFault, sectorBytes } from './device.ts';
import { exclusiveOpenFlag, inUse, isRefusedOpening, lockFile } from './file-lock.ts';
import { HolePuncher } from './hole-puncher.ts';

export interface ImageFileOpenOptions {
  /** Opens without a lock and refuses writes. */
  readOnly?: boolean;
  /**
   * `punch` gives discarded room back to the file system, on Linux, in holes
   * of at least 256 KiB, some time after the discard and at the latest at
   * close; elsewhere it is ignored. Default `ignore`.
   */
  discard?: 'punch' | 'ignore';
}

export interface ImageFileCreateOptions {
  /** Multiple of 512. */
  sizeBytes: number;
  /** Takes the room at once, so that a full disk shows now and not later. Sparse otherwise. */
  preallocate?: boolean;
  /** An existing file loses its content. Refused otherwise. */
  overwrite?: boolean;
  discard?: 'punch' | 'ignore';
}

/** A disk image in a file. Open for writing at most once on the machine. */
export class ImageFile extends DescriptorDevice {
  readonly #puncher: HolePuncher | undefined;

  private constructor(options: DescriptorDeviceOptions, discard: 'punch' | 'ignore' | undefined) {
    super(options);
    if (discard === 'punch' && !options.readOnly) this.#puncher = new HolePuncher(options.fd);
  }

  /**
   * Opens an existing image. Throws `device-not-found`, `not-permitted`,
   * `device-unsuitable` when it is no regular file, `device-too-small` when it
   * is empty, and `device-in-use` naming the process that has it open.
   */
  static async open(path: string, options: ImageFileOpenOptions = {}): Promise<ImageFile> {
    const readOnly = options.readOnly ?? false;
    const { O_RDONLY, O_RDWR } = fs.constants;
    const fd = openDescriptor(path, readOnly ? O_RDONLY : O_RDWR | exclusiveOpenFlag);
    return closingOnFault(fd, async () => {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) throw unsuitable(path);
      if (!readOnly) await lockFile(fd, path);
      const sizeBytes = Math.floor(stat.size / sectorBytes) * sectorBytes;
      if (sizeBytes === 0) {
        throw new MirrorpointError('device-too-small', `${path} is empty: no disk image. Check the path.`);
      }
      return new ImageFile({ name: path, fd, sizeBytes, readOnly }, options.discard);
    });
  }

  /**
   * Creates an image and opens it. Throws `exists` unless told to overwrite,
   * `device-full`, `device-not-found` when its folder is missing, and
   * `device-in-use` when the file to be overwritten is open.
   */
  static async create(path: string, options: ImageFileCreateOptions): Promise<ImageFile> {
    const { sizeBytes } = options;
    assert(sizeBytes > 0 && sizeBytes % sectorBytes === 0, 'an image must be whole sectors');
    const existed = fs.existsSync(path);
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const fd = openDescriptor(path, O_RDWR | O_CREAT | exclusiveOpenFlag | (options.overwrite ? 0 : O_EXCL));
    return closingOnFault(fd, async () => {
      if (!fs.fstatSync(fd).isFile()) throw unsuitable(path);
      await lockFile(fd, path);
      try {
        fs.ftruncateSync(fd, 0);
        fs.ftruncateSync(fd, sizeBytes);
        if (options.preallocate) await preallocate(fd, { name: path, fromBytes: 0, toBytes: sizeBytes });
        fs.fsyncSync(fd);
        syncFolder(path);
      } catch (cause) {
        if (!existed) fs.rmSync(path, { force: true });
        throw cause instanceof MirrorpointError ? cause : deviceFault({ name: path, operation: 'grow', cause });
      }
      return new ImageFile({ name: path, fd, sizeBytes, readOnly: false }, options.discard);
    });
  }

  /** Enlarges the file to the size in bytes, durably; a size no larger changes nothing. Throws `device-full`. */
  async grow(sizeBytes: number, options: { preallocate?: boolean } = {}): Promise<void> {
    assert(sizeBytes % sectorBytes === 0, 'an image must be whole sectors');
    this.gate.enter(this.name);
    try {
      this.checkWritable();
      if (sizeBytes <= this.sizeBytes) return;
      const range = { name: this.name, fromBytes: this.sizeBytes, toBytes: sizeBytes };
      try {
        fs.ftruncateSync(this.fd, sizeBytes);
        if (options.preallocate) await preallocate(this.fd, range);
        fs.fsyncSync(this.fd);
      } catch (cause) {
        throw cause instanceof MirrorpointError ? cause : deviceFault({ name: this.name, operation: 'grow', cause });
      }
      this.sizeBytes = sizeBytes;
    } finally {
      this.gate.leave();
    }
  }

  protected override beforeWrite(offsetBytes: number, lengthBytes: number): Promise<void> | undefined {
    return this.#puncher?.withdraw(offsetBytes, lengthBytes);
  }

  protected override discardRange(offsetBytes: number, lengthBytes: number): undefined {
    this.#puncher?.add(offsetBytes, lengthBytes);
  }

  protected override beforeClose(): Promise<void> | undefined {
    return this.#puncher?.drain();
  }
}

/** Not there on Windows, whatever the types say. */
const nonBlocking = (fs.constants as Partial<typeof fs.constants>).O_NONBLOCK ?? 0;

/** Opens a path and turns the system's refusals into coded faults. */
export function openDescriptor(path: string, flags: number): number {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its other end.
    return fs.openSync(path, flags | nonBlocking, 0o600);
  } catch (cause) {
    if (isRefusedOpening(cause)) throw inUse(path, undefined);
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const because = { cause };
    if (code === 'ENOENT') {
      throw new MirrorpointError('device-not-found', `${path} does not exist. Check the path.`, because);
    }
    if (code === 'EEXIST') {
      const text = `${path} exists already. Choose another path, or have it overwritten to lose what is in it.`;
      throw new MirrorpointError('exists', text, because);
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      const text = `${path} may not be opened (${reasonOf(cause)}). Check its owner, its mode and its file system.`;
      throw new MirrorpointError('not-permitted', text, because);
    }
    if (code === 'EISDIR' || code === 'ENOTDIR') throw unsuitable(path);
    throw deviceFault({ name: path, operation: 'open', cause });
  }
}

/** Runs the rest of an opening; when it throws, the descriptor is closed first. */
export async function closingOnFault<T>(fd: number, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (fault) {
    fs.closeSync(fd);
    throw fault;
  }
}

function unsuitable(path: string): MirrorpointError {
  const text = `${path} is not a regular file, so it cannot be a disk image. Give the path of a file.`;
  return new MirrorpointError('device-unsuitable', text);
}

/** Makes the file's name durable where the system lets a folder be flushed. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(dirname(path), fs.constants.O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

interface ByteRange {
  name: string;
  fromBytes: number;
  toBytes: number;
}

/** Takes room for a range that holds zeros: by the system's call through `fallocate`, else by writing zeros. */
async function preallocate(fd: number, range: ByteRange): Promise<void> {
  const { bavail, bsize } = fs.statfsSync(range.name);
  const neededBytes = range.toBytes - range.fromBytes;
  if (bavail * bsize < neededBytes) {
    const text = `${range.name} needs ${formatBytes(neededBytes)}, but its file system has ${formatBytes(bavail * bsize)} free. Free space there, or choose a smaller size.`;
    throw new MirrorpointError('device-full', text);
  }
  if (process.platform === 'linux' && (await runFallocate(fd, range))) return;
  const zeros = new Uint8Array(1_048_576);
  for (let at = range.fromBytes; at < range.toBytes; ) {
    const part = zeros.subarray(0, Math.min(zeros.length, range.toBytes - at));
    at += await new Promise<number>((resolve, reject) => {
      fs.write(fd, part, 0, part.length, at, (cause, doneBytes) => {
        if (cause) reject(deviceFault({ name: range.name, operation: 'grow', offsetBytes: at, cause }));
        else resolve(doneBytes);
      });
    });
  }
}

async function runFallocate(fd: number, range: ByteRange): Promise<boolean> {
  const place = ['-o', String(range.fromBytes), '-l', String(range.toBytes - range.fromBytes)];
  const child = spawn('fallocate', [...place, '/proc/self/fd/3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
