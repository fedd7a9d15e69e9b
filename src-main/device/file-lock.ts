import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { MirrorpointError } from '../base/index.ts';

/** libuv's own flag for "no one else may have it open" on Windows; on macOS it is the system's. */
const exclusiveFlags: Partial<Record<NodeJS.Platform, number>> = { win32: 0x1000_0000, darwin: 0x20 };

/** What an opening for writing adds to its flags, so that the system refuses a second one where it can. */
export const exclusiveOpenFlag = exclusiveFlags[process.platform] ?? 0;

/** How a holder of that flag makes another opening fail. */
export function isRefusedOpening(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return exclusiveOpenFlag !== 0 && (code === 'EBUSY' || code === 'EAGAIN' || code === 'EWOULDBLOCK');
}

/**
 * Locks an open file against every other opening for writing, in this process
 * and others. The lock belongs to the open file itself, so it ends with the
 * descriptor, even when the process is killed, and nothing stale stays behind.
 * Node has no call for it: on Linux util-linux's `flock` sets it on the
 * descriptor that it is handed; elsewhere the flag above has done it.
 * Throws `device-in-use` naming the process that holds it.
 */
export async function lockFile(fd: number, path: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const child = spawn('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => {
      const text = `${path} cannot be locked, because the program "flock" could not be run. Install util-linux.`;
      reject(new MirrorpointError('unsupported', text, { cause }));
    });
    child.once('exit', resolve);
  });
  if (code !== 0) throw inUse(path, findLockHolder(fd));
}

/** The fault of a device that someone else has open. */
export function inUse(path: string, holderPid: number | undefined): MirrorpointError {
  const holders = holderPid === process.pid ? 'this process' : `process ${holderPid ?? ''}`;
  const who = holderPid === undefined ? 'another process' : holders;
  const text = `${path} is in use: ${who} has it open. Close it there first.`;
  return new MirrorpointError('device-in-use', text);
}

/** The process whose descriptor carries the file's lock, as far as this process may look. */
function findLockHolder(fd: number): number | undefined {
  const { dev, ino } = fs.fstatSync(fd, { bigint: true });
  for (const pid of numericEntries('/proc')) {
    for (const descriptor of numericEntries(`/proc/${pid}/fd`)) {
      const stat = tryTo(() => fs.statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true }));
      if (stat?.dev !== dev || stat.ino !== ino) continue;
      const info = tryTo(() => fs.readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'));
      if (info?.includes('FLOCK')) return Number(pid);
    }
  }
  return undefined;
}

function numericEntries(folder: string): string[] {
  return (tryTo(() => fs.readdirSync(folder)) ?? []).filter((name) => /^\d+$/.test(name));
}

/** What comes and goes under /proc, or belongs to another user, is passed over. */
function tryTo<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
