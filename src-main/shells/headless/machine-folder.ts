import * as fs from 'node:fs';
import { opendir } from 'node:fs/promises';
import { homedir } from 'node:os';
import * as path from 'node:path';
import { MirrorpointError } from '../../base/index.ts';
import { folderEntriesMax, type MachineFolder } from '../../contract/index.ts';
import { localFault, systemCall } from './local-faults.ts';

/** Names of one folder that are looked at before it is said that there are more. */
const namesMax = 20_000;

/** How long a file system may take; one over a network that is gone takes for ever, and keeps a thread of this process. */
const answerMsMax = 10_000;
const waitingMax = 2;

type Entry = MachineFolder['entries'][number];

/** Where the drives of Windows are found, which have no common root. */
const drivesOfWindows = '\\\\.\\';

/** Listings that have not ended. Each keeps at most one thread, however long it takes. */
let waiting = 0;

/** A folder of this machine. Throws as the port says. */
export async function machineFolder(asked: string | undefined): Promise<MachineFolder> {
  const given = asked ?? homedir();
  if (!path.isAbsolute(given) || given.includes('\0')) {
    throw new MirrorpointError('argument-invalid', `'${given}' is no absolute path of a folder. Write it out from the root.`);
  }
  const folder = path.resolve(given);
  if (waiting >= waitingMax) throw unanswered(folder, `${waiting} folders that were asked for before still wait for theirs`);
  waiting++;
  const listing = list(folder).finally(() => {
    waiting--;
  });
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => {
    timer.reject(unanswered(folder, `it took longer than ${answerMsMax / 1000} s`));
  }, answerMsMax);
  try {
    return await Promise.race([listing, timer.promise]);
  } finally {
    clearTimeout(timeout);
    listing.catch(() => undefined);
  }
}

function unanswered(folder: string, why: string): MirrorpointError {
  return new MirrorpointError('device-io', `The file system of ${folder} does not answer: ${why}. See to the drive or the network that it is on, or choose another folder.`);
}

async function list(folder: string): Promise<MachineFolder> {
  if (process.platform === 'win32' && folder === drivesOfWindows) return listWindowsDrives();
  const { folders, files, more } = await readNames(folder);
  const chosen = [...folders.sort(byName), ...files.sort(byName)].slice(0, folderEntriesMax);
  const entries: Entry[] = [];
  // One after another: all at once would keep every thread, if the file system went away.
  for (const { name, kind } of chosen) entries.push(await entryOf(folder, name, kind));
  const parent = parentOf(folder);
  return {
    path: folder,
    ...(parent !== undefined && { parent }),
    entries,
    more: more || chosen.length < folders.length + files.length,
    freeBytes: await freeBytesOf(folder),
    isWritable: await mayWrite(folder),
  };
}

interface Named {
  readonly name: string;
  readonly kind: Entry['kind'];
}

function byName(one: Named, other: Named): number {
  return one.name.localeCompare(other.name, 'en', { numeric: true }) || (one.name < other.name ? -1 : 1);
}

/** The folders and files of a folder, links as what they lead to; pipes, sockets and devices are left out. */
async function readNames(folder: string): Promise<{ folders: Named[]; files: Named[]; more: boolean }> {
  const [folders, files]: [Named[], Named[]] = [[], []];
  let seen = 0;
  try {
    for await (const entry of await opendir(folder)) {
      if (++seen > namesMax) return { folders, files, more: true };
      const { name } = entry;
      // Such a name could not be given back.
      if (name.includes('\ufffd')) continue;
      const kind = entry.isSymbolicLink() ? await kindBehind(path.join(folder, name)) : entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : undefined;
      if (kind === 'directory') folders.push({ name, kind });
      else if (kind === 'file') files.push({ name, kind });
    }
  } catch (cause) {
    throw localFault(folder, 'listed', cause);
  }
  return { folders, files, more: false };
}

async function kindBehind(link: string): Promise<Entry['kind'] | undefined> {
  const stat = await statOf(link);
  return stat?.isDirectory() === true ? 'directory' : stat?.isFile() === true ? 'file' : undefined;
}

async function statOf(at: string): Promise<fs.Stats | undefined> {
  return systemCall<fs.Stats>(at, 'examined', (done) => fs.stat(at, done)).catch(() => undefined);
}

async function entryOf(folder: string, name: string, kind: Entry['kind']): Promise<Entry> {
  const at = path.join(folder, name);
  return { name, path: at, kind, sizeBytes: kind === 'file' ? ((await statOf(at))?.size ?? 0) : 0 };
}

async function freeBytesOf(folder: string): Promise<number> {
  const free = await systemCall<fs.StatsFs>(folder, 'examined', (done) => fs.statfs(folder, done)).catch(() => undefined);
  return free === undefined ? 0 : free.bavail * free.bsize;
}

async function mayWrite(folder: string): Promise<boolean> {
  return systemCall(folder, 'examined', (done) => fs.access(folder, fs.constants.W_OK, (cause) => done(cause, undefined))).then(
    () => true,
    () => false,
  );
}

function parentOf(folder: string): string | undefined {
  const parent = path.dirname(folder);
  if (parent !== folder) return parent;
  return process.platform === 'win32' ? drivesOfWindows : undefined;
}

async function listWindowsDrives(): Promise<MachineFolder> {
  const entries: Entry[] = [];
  for (let letter = 65; letter <= 90; letter++) {
    const root = `${String.fromCharCode(letter)}:\\`;
    if ((await statOf(root)) !== undefined) entries.push({ name: root, path: root, kind: 'directory', sizeBytes: 0 });
  }
  return { path: drivesOfWindows, entries, more: false, freeBytes: 0, isWritable: false };
}
