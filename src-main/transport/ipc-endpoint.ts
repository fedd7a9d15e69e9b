import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { MirrorpointError } from '../base/index.ts';

const isWindows = process.platform === 'win32';

/** What sockaddr_un takes, less its closing zero byte. */
const socketPathBytesMax = process.platform === 'linux' ? 107 : 103;

const othersWrite = 0o022;

/** Names what is moved aside, so that two listeners of one process keep theirs apart. */
let staleCount = 0;

/** The path of a named endpoint in the folder. Fails with 'address-invalid' when the system cannot hold a socket path so long. */
export function endpointPath(folder: string, name: string): string {
  const endpoint = path.join(path.resolve(folder), `${name}.sock`);
  const bytes = Buffer.byteLength(endpoint);
  if (!isWindows && bytes > socketPathBytesMax) {
    throw new MirrorpointError(
      'address-invalid',
      `The socket '${endpoint}' of ipc://${name} would have a path of ${bytes} bytes; the system takes ${socketPathBytesMax}. Use a shorter folder or name.`,
    );
  }
  return endpoint;
}

/**
 * Makes the folder of endpoints, for this user alone, or checks the one there:
 * who can write in it could put another socket in the place of ours. Fails with
 * 'not-permitted'.
 */
export async function prepareFolder(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  await checkFolder(folder);
}

/** Whether the folder of endpoints is there and safe to use. Fails with 'not-permitted' when it is not safe. */
export async function checkFolder(folder: string): Promise<boolean> {
  const stat = await fs.lstat(folder).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) throw unsafe(folder, 'it is no folder, or a symbolic link', 'Choose another one.');
  if (isWindows) return true;
  if (stat.uid !== process.getuid?.()) {
    throw unsafe(folder, 'it belongs to another user', 'Run as its owner, or choose another one.');
  }
  if ((stat.mode & othersWrite) !== 0) {
    throw unsafe(folder, 'other users can write in it', `Run 'chmod 700 ${folder}'.`);
  }
  return true;
}

function unsafe(folder: string, why: string, next: string): MirrorpointError {
  return new MirrorpointError('not-permitted', `The folder '${folder}' cannot hold sockets: ${why}. ${next}`);
}

/**
 * Makes room for a new endpoint: the socket of a listener that died is removed.
 * Fails with 'address-in-use' when a listener answers there.
 */
export async function clearStaleEndpoint(endpoint: string, address: string): Promise<void> {
  if (isWindows) return;
  const stat = await fs.lstat(endpoint).catch(() => undefined);
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new MirrorpointError('address-in-use', `'${endpoint}' is in the way of ${address} and is no socket. Move it elsewhere.`);
  }
  if (await answers(endpoint)) throw inUse(address);
  // Between the probe and the removal another server may have taken the name.
  // So the socket is moved aside and asked once more before it goes.
  staleCount++;
  const aside = path.join(path.dirname(endpoint), `.${process.pid}-${staleCount}.stale`);
  try {
    await fs.rename(endpoint, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const live = await answers(aside);
  if (live) await fs.link(aside, endpoint).catch(() => undefined);
  await fs.unlink(aside);
  if (live) throw inUse(address);
}

function inUse(address: string): MirrorpointError {
  return new MirrorpointError('address-in-use', `Another listener holds ${address}. Choose another name, or stop it first.`);
}

/** Whether a listener takes connections at the socket. One that is merely busy counts as live. */
function answers(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: endpoint });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
