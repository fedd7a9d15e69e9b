import { diskLayout, type Systeminformation } from 'systeminformation';
import type { ListedDrive } from './drives-task.ts';

/** Why no drive can be taken on such a system. */
export const foreignReason = 'Attached drives can be taken on Linux alone. Make an image file on one of the file systems of this machine instead.';

type Disk = Pick<Systeminformation.DiskLayoutData, 'device' | 'name' | 'serialNum' | 'size' | 'interfaceType'>;

/** The disks of a system on which they cannot be taken for a volume: shown so that nobody looks for them. */
export async function listForeignDrives(): Promise<ListedDrive[]> {
  return foreignDrives(await diskLayout());
}

export function foreignDrives(disks: readonly Disk[]): ListedDrive[] {
  return disks.flatMap(({ device, name, serialNum, size, interfaceType }) => {
    if (device === '') return [];
    const connection = interfaceType.toLowerCase() || 'other';
    return { path: device, number: '', model: name.trim(), serial: serialNum.trim(), sizeBytes: size, connection, isReadOnly: false, holdsSystem: false };
  });
}
