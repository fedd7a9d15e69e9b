import * as fs from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';

/** The kind of file system that a mount of this program is in the table of mounts. */
export const mountType = 'fuse.mirrorpoint';

/** Programs that are named when a mount is busy. */
const usersNamedMax = 5;

/** A line of the system's table of mounts. */
export interface MountLine {
  readonly folder: string;
  readonly type: string;
  /** What is mounted, such as `office@monday`. */
  readonly source: string;
  /** As the system numbers what is mounted: `0:45`. */
  readonly device: string;
}

/** What stands under the folders of this machine; the last line of a folder is the one that is seen. */
export async function mountTable(): Promise<MountLine[]> {
  const text = await fs.readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').flatMap((line) => {
    const [before, behind] = line.split(' - ');
    const [, , device, , folder] = before?.split(' ') ?? [];
    const [type, source] = behind?.split(' ') ?? [];
    if (device === undefined || folder === undefined || type === undefined || source === undefined) return [];
    return [{ device, folder: unescaped(folder), type, source: unescaped(source) }];
  });
}

/** The mount of this program at a folder, if that is what is seen there. */
export async function mountAt(folder: string): Promise<MountLine | undefined> {
  const line = (await mountTable()).findLast((one) => one.folder === folder);
  return line?.type === mountType ? line : undefined;
}

/** Blanks and the like stand there as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** The programs that have something open below a folder, or are in it, such as `bash (812)`. */
export async function usersOf(folder: string): Promise<string[]> {
  const users: string[] = [];
  for (const processId of await fs.readdir('/proc')) {
    if (!/^[0-9]+$/.test(processId) || !(await uses(processId, folder))) continue;
    const name = await fs.readFile(join('/proc', processId, 'comm'), 'utf8').catch(() => '?');
    users.push(`${name.trim()} (${processId})`);
    if (users.length === usersNamedMax) break;
  }
  return users;
}

async function uses(processId: string, folder: string): Promise<boolean> {
  const at = join('/proc', processId);
  const open = await fs.readdir(join(at, 'fd')).catch(() => []);
  for (const name of ['cwd', 'root', 'exe', ...open.map((descriptor) => `fd/${descriptor}`)]) {
    const leadsTo = await fs.readlink(join(at, name)).catch(() => '');
    if (isAbsolute(leadsTo) && (leadsTo === folder || leadsTo.startsWith(folder + sep))) return true;
  }
  const maps = await fs.readFile(join(at, 'maps'), 'utf8').catch(() => '');
  return maps.includes(` ${folder}${sep}`);
}
