import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sectorBytes } from './device.ts';

/**
 * What Linux says of block devices: /sys for sizes, partitions and holders,
 * /proc for mounts and swap, the udev database for the model and the serial.
 */
export interface BlockDevice {
  /** The kernel's name: `sda1`. */
  readonly kernelName: string;
  readonly path: string;
  /** `major:minor`. */
  readonly number: string;
  /** Its folder under /sys/devices. */
  readonly folder: string;
  readonly isPartition: boolean;
  /** The path of the disk that it is a partition of. */
  readonly partOf: string | undefined;
  /** How it is attached, such as `usb`, `nvme` or `loop`. */
  readonly connection: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly model: string;
  readonly serial: string;
}

/** What uses a block device or anything on it. */
export interface BlockUse {
  /** Where it or one of its partitions is mounted. */
  readonly mountPoints: readonly string[];
  /** Whether the running system stands on it. */
  readonly holdsSystem: boolean;
  /** Why it must be left alone, for people; undefined when nothing uses it. */
  readonly reason: string | undefined;
}

const sysBlock = '/sys/class/block';

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** What drives say of themselves is read and typed by people. */
function plain(text: string): string {
  return text.toWellFormed().replace(/\p{C}/gu, '').trim();
}

function listFolder(path: string): string[] {
  try {
    return fs.readdirSync(path).sort();
  } catch {
    return [];
  }
}

function udevProperty(number: string, names: readonly string[]): string {
  const lines = readText(`/run/udev/data/b${number}`).split('\n');
  for (const name of names) {
    const line = lines.find((candidate) => candidate.startsWith(`E:${name}=`));
    if (line) return line.slice(name.length + 3).trim();
  }
  return '';
}

/** How a disk is attached, by the first part of its folder's path that tells. */
const connections: readonly (readonly [pattern: RegExp, connection: string])[] = [
  [/\/virtual\/block\/loop/, 'loop'],
  [/\/virtual\/block\/md/, 'raid'],
  [/\/virtual\/block\/dm-/, 'mapper'],
  [/\/virtual\/block\/nbd/, 'network'],
  [/\/usb\d/, 'usb'],
  [/\/nvme/, 'nvme'],
  [/\/mmc/, 'mmc'],
  [/\/virtio\d/, 'virtio'],
  [/\/session\d/, 'iscsi'],
  [/\/ata\d/, 'sata'],
  [/\/vbd-/, 'xen'],
  [/\/host\d/, 'scsi'],
];

function connectionOf(folder: string): string {
  // Who made a mapped device stands before the first dash of its id.
  const maker = readText(join(folder, 'dm/uuid')).split('-')[0]?.toLowerCase();
  if (maker !== undefined && maker !== '') return maker;
  return connections.find(([pattern]) => pattern.test(folder))?.[1] ?? 'other';
}

// A slash in a device's name is an exclamation mark in the kernel's.
function pathOf(kernelName: string): string {
  return `/dev/${kernelName.replaceAll('!', '/')}`;
}

/** The block device behind the kernel's name. */
function describe(kernelName: string): BlockDevice | undefined {
  let folder: string;
  try {
    folder = fs.realpathSync(join(sysBlock, kernelName));
  } catch {
    return undefined;
  }
  const isPartition = fs.existsSync(join(folder, 'partition'));
  const disk = isPartition ? dirname(folder) : folder;
  const number = readText(join(folder, 'dev'));
  const backing = readText(join(disk, 'loop/backing_file'));
  const serial = udevProperty(number, ['ID_SERIAL_SHORT', 'ID_SERIAL']);
  const model = udevProperty(number, ['ID_MODEL']).replaceAll('_', ' ');
  return {
    kernelName,
    path: pathOf(kernelName),
    number,
    folder,
    isPartition,
    partOf: isPartition ? pathOf(basename(disk)) : undefined,
    connection: connectionOf(disk),
    sizeBytes: Number(readText(join(folder, 'size'))) * sectorBytes,
    isReadOnly: readText(join(folder, 'ro')) === '1',
    model: plain(model || readText(join(disk, 'device/model')) || (backing ? 'loop device' : '')),
    serial: plain(serial || readText(join(disk, 'device/serial')) || readText(join(disk, 'serial')) || backing),
  };
}

/** All block devices that have a size. */
export function listBlockDevices(): BlockDevice[] {
  const found = listFolder(sysBlock).map((kernelName) => describe(kernelName));
  return found.filter((device) => device !== undefined).filter((device) => device.sizeBytes > 0);
}

/** The block device of a number `major:minor`. */
export function blockDeviceOf(number: string): BlockDevice | undefined {
  try {
    return describe(basename(fs.realpathSync(`/sys/dev/block/${number}`)));
  } catch {
    return undefined;
  }
}

interface Mount {
  readonly number: string;
  readonly mountPoint: string;
  readonly source: string;
}

/** Fields of /proc/self/mountinfo: see proc(5). Spaces in them are written as octal escapes. */
function listMounts(): Mount[] {
  const unescaped = (text: string): string =>
    text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return readText('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before, after] = line.split(' - ') as [string, string | undefined];
      const fields = before.split(' ');
      const source = unescaped(after?.split(' ')[1] ?? '');
      return { number: fields[2] ?? '', mountPoint: unescaped(fields[4] ?? ''), source };
    });
}

function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return path;
  }
}

/** The device, its partitions, and everything built on them: the names of all that a write to it would touch. */
function familyOf(device: BlockDevice): { member: BlockDevice; relation: string }[] {
  const family = [{ member: device, relation: 'it' }];
  for (const name of listFolder(device.folder)) {
    if (!fs.existsSync(join(device.folder, name, 'partition'))) continue;
    const member = describe(name);
    if (member) family.push({ member, relation: `its partition ${member.path}` });
  }
  for (const { member } of [...family]) {
    for (const holder of listFolder(join(member.folder, 'holders'))) {
      const built = describe(holder);
      if (built) family.push(...familyOf(built).map((entry) => ({ ...entry, relation: `${built.path} on it` })));
    }
  }
  return family;
}

/** Finds out what uses the device, its partitions, the disk that it is a part of, or what is built on them. */
export function findUse(device: BlockDevice): BlockUse {
  const mounts = listMounts();
  const swaps = readText('/proc/swaps')
    .split('\n')
    .slice(1)
    .map((line) => realPath(line.split(/\s/)[0] ?? ''));
  const family = familyOf(device);
  const reasons: string[] = [];
  const mountPoints: string[] = [];
  let holdsSystem = false;
  for (const { member, relation } of family) {
    // A file system over several devices has a number of its own, so the source is compared too.
    const here = mounts.filter(({ number, source }) => {
      return number === member.number || (source.startsWith('/dev/') && realPath(source) === member.path);
    });
    for (const { mountPoint } of here) {
      mountPoints.push(mountPoint);
      reasons.push(`${relation} is mounted at ${mountPoint}`);
      if (['/', '/boot', '/boot/efi', '/usr', '/var', '/home'].includes(mountPoint)) holdsSystem = true;
    }
    if (swaps.includes(member.path)) {
      reasons.push(`${relation} is swap space in use`);
      holdsSystem = true;
    }
    const holders = listFolder(join(member.folder, 'holders'));
    if (holders.length > 0) reasons.push(`${relation} is part of ${holders.map((name) => `/dev/${name}`).join(', ')}`);
  }
  if (holdsSystem) reasons.unshift('it holds the running system');
  return { mountPoints: [...new Set(mountPoints)], holdsSystem, reason: reasons.length > 0 ? reasons.join('; ') : undefined };
}
