import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import type { MountedFolder, MountPort, MountRequest } from '../../engine/index.ts';
import { requestBytesMax } from '../../serving/index.ts';
import { localFault } from './local-faults.ts';
import { mountAt, mountType, usersOf } from './mount-table.ts';
import { RequestReader } from './request-reader.ts';

const devicePath = '/dev/fuse';

/** How far ahead of a program that reads from start to end the kernel reads. */
const readAheadKib = 2048;

/** Answers from this length on are handed over by another thread: the kernel takes its time to copy them. */
const longReplyBytes = 65_536;

/** How long a mount may take to go away. */
const goneMsMax = 10_000;

/** How long the kernel may take to hand over what it has gathered before a mount is cut off. */
const writeBackMsMax = 5000;

/** What is said of a program that was run. */
interface Outcome {
  readonly exitCode: number | null;
  readonly errors: string;
}

/** Runs a program of the system; `descriptor` becomes its number 3. */
function runProgram(name: string, words: readonly string[], descriptor?: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(name, words, {
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
    });
    let errors = '';
    child.stderr?.on('data', (part: Buffer) => {
      errors = `${errors}${part.toString('utf8')}`.slice(0, 1000);
    });
    child.once('error', (fault) => {
      resolve({ exitCode: null, errors: fault.message });
    });
    child.once('close', (exitCode) => {
      resolve({ exitCode, errors: errors.trim() });
    });
  });
}

/** Mounts of Linux, made by `mount` of util-linux and served over /dev/fuse without code of the machine's own. */
export const machineMounts: MountPort = {
  async mount(request) {
    const folder = await mountable(request.folder);
    const descriptor = openDevice();
    try {
      await attach(folder, request, descriptor);
    } catch (fault) {
      fs.closeSync(descriptor);
      throw fault;
    }
    const mounted = new Mounted(folder, request, descriptor);
    await readFurtherAhead(folder);
    return mounted;
  },

  async clear(asked) {
    const folder = await realFolder(asked);
    const line = await mountAt(folder);
    if (line === undefined) {
      throw new MirrorpointError('not-found', `Nothing of Mirrorpoint is mounted at ${folder}. See \`mirrorpoint mounts\`, and \`findmnt -t ${mountType}\` for other servers.`);
    }
    if (await isDead(folder)) await takeAway(folder, ['-l']);
    else await unmount(folder);
  },
};

/** The folder that is to be mounted on, without symbolic links on the way. */
async function mountable(asked: string): Promise<string> {
  if (process.platform !== 'linux') {
    throw new MirrorpointError('unsupported', 'Only Linux has mounts of this kind. Connect to the volume as a network drive instead.');
  }
  if (process.getuid?.() !== 0) {
    throw new MirrorpointError('not-permitted', `A server that is not run by root cannot mount anything at ${asked}. Start the server as root, or connect to the volume as a network drive.`);
  }
  const folder = await realFolder(asked);
  if ((await mountAt(folder)) !== undefined) {
    throw new MirrorpointError('exists', `Something of Mirrorpoint is mounted at ${folder} already, or was left there by a server that is gone. Take it away by \`mirrorpoint unmount ${folder}\`.`);
  }
  try {
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (fault) {
    throw localFault(folder, 'looked at', fault);
  }
  throw new MirrorpointError('not-a-directory', `${folder} is no folder, so nothing can be mounted there. Name an empty folder.`);
}

/** A dead mount cannot be looked into, but stands in the table. */
async function realFolder(asked: string): Promise<string> {
  if ((await mountAt(asked)) !== undefined) return asked;
  try {
    return await realpath(asked);
  } catch (fault) {
    throw localFault(asked, 'looked at', fault);
  }
}

function openDevice(): number {
  try {
    return fs.openSync(devicePath, 'r+');
  } catch (fault) {
    throw new MirrorpointError('unsupported', `${devicePath} cannot be opened: ${reasonOf(fault)}. Load the kernel's module by \`modprobe fuse\`, and in a container let ${devicePath} in.`, { cause: fault });
  }
}

async function attach(folder: string, request: MountRequest, descriptor: number): Promise<void> {
  const options = ['fd=3', 'rootmode=40000', 'user_id=0', 'group_id=0', 'default_permissions', 'allow_other', 'nosuid', 'nodev', request.isReadOnly ? 'ro' : 'rw'];
  const { exitCode, errors } = await runProgram('mount', ['-i', '-t', mountType, '-o', options.join(','), request.name, folder], descriptor);
  if (exitCode === 0) return;
  throw new MirrorpointError('mount-failed', `${request.name} could not be mounted at ${folder}: ${errors}. See what the system's log says of it.`);
}

async function isDead(folder: string): Promise<boolean> {
  try {
    await stat(folder);
    return false;
  } catch (fault) {
    return ['ENOTCONN', 'ECONNABORTED'].includes((fault as NodeJS.ErrnoException).code ?? '');
  }
}

/** Throws `mount-busy`, naming who uses it, and `mount-failed`. */
async function unmount(folder: string): Promise<void> {
  const { exitCode, errors } = await runProgram('umount', ['-i', folder]);
  if (exitCode === 0) return;
  if ((await mountAt(folder)) === undefined) return;
  if (!errors.includes('busy')) throw notTakenAway(folder, errors);
  const users = await usersOf(folder);
  const who = users.length === 0 ? 'something of the system, such as another mount in it' : users.join(', ');
  throw new MirrorpointError('mount-busy', `${folder} is in use by ${who}. End that and try again, or add --force: what is open there then gets errors.`);
}

/** Takes a mount away that may be in use. */
async function takeAway(folder: string, how: readonly string[]): Promise<void> {
  const { exitCode, errors } = await runProgram('umount', ['-i', ...how, folder]);
  if (exitCode !== 0 && (await mountAt(folder)) !== undefined) throw notTakenAway(folder, errors);
}

function notTakenAway(folder: string, errors: string): MirrorpointError {
  return new MirrorpointError('mount-failed', `The mount at ${folder} could not be taken away: ${errors}. See \`findmnt ${folder}\`.`);
}

/** Lets the kernel hand over what it has gathered, unless that takes too long. */
async function writtenBack(folder: string): Promise<void> {
  await Promise.race([runProgram('sync', ['-f', folder]), setTimeout(writeBackMsMax, undefined, { ref: false })]);
}

/** One mount that is served. */
class Mounted implements MountedFolder {
  readonly folder: string;
  readonly ended: Promise<void>;
  readonly #descriptor: number;
  #isOver = false;

  constructor(folder: string, { session }: MountRequest, descriptor: number) {
    this.folder = folder;
    this.#descriptor = descriptor;
    const send = (reply: Uint8Array): Promise<void> | undefined => this.#send(reply);
    const reader = new RequestReader({ descriptor, requestBytesMax }, (request) => session.handle(request, send));
    this.ended = reader.ended.then(async () => {
      await session[Symbol.asyncDispose]();
      this.#isOver = true;
      fs.closeSync(descriptor);
    });
  }

  async unmount({ force }: { force: boolean }): Promise<readonly string[]> {
    if (!force) {
      await unmount(this.folder);
      await this.#untilEnded();
      return [];
    }
    const users = await usersOf(this.folder);
    await writtenBack(this.folder);
    // Cut off, and not only taken away: it may be seen elsewhere still, and whoever waits for an answer gets an error.
    await takeAway(this.folder, ['-f', '-l']);
    await this.#untilEnded();
    return users;
  }

  async #untilEnded(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = globalThis.setTimeout(() => {
      late.reject(new MirrorpointError('mount-failed', `The mount at ${this.folder} was taken away, but is used elsewhere still. End what uses it.`));
    }, goneMsMax);
    try {
      await Promise.race([this.ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #send(reply: Uint8Array): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    if (reply.length >= longReplyBytes) return this.#sendLong(reply);
    try {
      fs.writeSync(this.#descriptor, reply);
    } catch (fault) {
      if (!isNobodyThere(fault)) throw fault;
    }
    return undefined;
  }

  #sendLong(reply: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, reply, (fault) => {
        if (fault === null || isNobodyThere(fault)) resolve();
        else reject(fault);
      });
    });
  }
}

/** Who asked has gone, or the mount has. */
function isNobodyThere(fault: unknown): boolean {
  return ['ENOENT', 'ENODEV', 'EINVAL'].includes((fault as NodeJS.ErrnoException).code ?? '');
}

/** A large file is read in large pieces, once the kernel has been told what it may do. Where the system does not let itself be told, it reads on as it does. */
async function readFurtherAhead(folder: string): Promise<void> {
  try {
    await stat(folder);
    const line = await mountAt(folder);
    if (line === undefined) return;
    const setting = `/sys/class/bdi/${line.device}/read_ahead_kb`;
    if (Number(await readFile(setting, 'utf8')) < readAheadKib) await writeFile(setting, String(readAheadKib));
  } catch {
    // It is a matter of speed alone.
  }
}
