import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { isFault, MirrorpointError, reasonOf } from '../../base/index.ts';
import { ImageFile, sectorBytes } from '../../device/index.ts';

/** What the system allows for the path of a socket, with its final NUL. */
const socketPathBytesMax = 100;

/** Where the settings are unless `--config` or MIRRORPOINT_CONFIG says otherwise. */
export function defaultConfigFolder(): string {
  return process.env.MIRRORPOINT_CONFIG ?? envPaths('mirrorpoint', { suffix: '' }).config;
}

/** A folder of this user alone, for sockets. */
export function runtimeFolder(): string {
  const own = process.env.MIRRORPOINT_IPC_FOLDER;
  if (own !== undefined) return resolve(own);
  const user = process.getuid?.() ?? os.userInfo().username;
  return join(process.platform === 'win32' ? os.tmpdir() : '/tmp', `mirrorpoint-${user}`);
}

function isOurs(folder: string): boolean {
  const names = fs.readdirSync(folder);
  return names.length === 0 || names.includes('settings.json');
}

/** Makes the folder if need be, and keeps others out of it. Throws `not-permitted`. */
export function prepareFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = fs.statSync(folder);
    if (process.platform === 'win32') return;
    if (process.getuid !== undefined && stat.uid !== process.getuid()) {
      throw new MirrorpointError(
        'not-permitted',
        `The folder ${folder} belongs to another user. Run the command as that user, or name another folder by --config.`,
      );
    }
    if ((stat.mode & 0o077) === 0) return;
    // A folder with other things in it, such as a home, is open to others on purpose.
    if (!isOurs(folder)) {
      throw new MirrorpointError(
        'not-permitted',
        `The folder ${folder} is open to other users and holds other things. Name a folder of its own by --config, or close this one by chmod 700.`,
      );
    }
    fs.chmodSync(folder, 0o700);
  } catch (cause) {
    if (cause instanceof MirrorpointError) throw cause;
    throw new MirrorpointError(
      'not-permitted',
      `The folder ${folder} cannot be used: ${reasonOf(cause)}. Check its path and owner, or name another by --config.`,
      { cause },
    );
  }
}

/** Where the server of a configuration folder hears commands: a socket in it, or a named pipe on Windows. */
export function controlEndpoint(folder: string): string {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\mirrorpoint-${digest}`;
  const inside = join(folder, 'control.sock');
  if (Buffer.byteLength(inside) <= socketPathBytesMax) return inside;
  return join(runtimeFolder(), `control-${digest}.sock`);
}

/**
 * The right to work on a configuration folder, held by one process at a time
 * and given up by the system when that process dies.
 */
export class FolderLock implements AsyncDisposable {
  readonly #file: ImageFile;

  private constructor(file: ImageFile) {
    this.#file = file;
  }

  /** Throws `server-running`, naming the process that holds it. */
  static async take(folder: string): Promise<FolderLock> {
    const path = join(folder, 'lock');
    try {
      return new FolderLock(await openOrCreate(path));
    } catch (fault) {
      if (!isFault(fault, 'device-in-use')) throw fault;
      throw new MirrorpointError(
        'server-running',
        `Another server or command works on the configuration folder ${folder} (${fault.message}) ` +
          'Wait for it, stop it by `mirrorpoint stop`, or name another folder by --config.',
        { cause: fault },
      );
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function openOrCreate(path: string): Promise<ImageFile> {
  for (;;) {
    try {
      return await ImageFile.open(path);
    } catch (fault) {
      if (!isFault(fault, 'device-not-found') && !isFault(fault, 'device-too-small')) throw fault;
    }
    try {
      return await ImageFile.create(path, { sizeBytes: sectorBytes, overwrite: true });
    } catch (fault) {
      if (!isFault(fault, 'exists')) throw fault;
    }
  }
}
