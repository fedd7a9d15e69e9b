/**
 * Lists the drives of this machine and looks at each, in a process of its own: a
 * drive that does not answer keeps whoever asks it, and this process can be left
 * behind. Every drive is asked at once, and reported as it answers.
 */
import { stat } from 'node:fs/promises';
import { reasonOf } from '../../base/index.ts';
import { contentsText, deviceNumber, type DriveListing, examineDrive, listDrives } from '../../device/index.ts';
import { type DrivesReport, type DrivesTask, drivesTaskSchema, type ListedDrive } from './drives-task.ts';
import { foreignReason, listForeignDrives } from './foreign-drives.ts';
import { taskOf, tell } from './program-life.ts';

const report = (one: DrivesReport): Promise<void> => tell(one);

function listed({ path, number, partOf, model, serial, sizeBytes, connection, isReadOnly, holdsSystem, reason }: DriveListing): ListedDrive {
  return {
    path,
    number,
    ...(partOf !== undefined && { partOf }),
    model,
    serial,
    sizeBytes,
    connection,
    isReadOnly,
    holdsSystem,
    ...(reason !== undefined && { usedBy: reason }),
  };
}

async function look(drive: DriveListing): Promise<void> {
  const { path } = drive;
  try {
    const { contents, isClaimed, token } = await examineDrive(drive);
    const what = contents.kind === 'blank' ? {} : { contents: contentsText(contents) };
    const whose = contents.kind === 'mirrorpoint' && contents.volumeId !== undefined ? { volumeId: contents.volumeId } : {};
    await report({ report: 'seen', path, ...what, ...whose, isClaimed, token });
  } catch (fault) {
    await report({ report: 'unseen', path, reason: reasonOf(fault) });
  }
}

/** What is no block device, or not there, leads to no drive. */
async function follow(asked: string): Promise<void> {
  const found = await stat(asked).catch(() => undefined);
  if (found?.isBlockDevice() === true) await report({ report: 'leads', asked, number: deviceNumber(found.rdev) });
}

async function lookAtAll({ asked, spared }: DrivesTask): Promise<void> {
  const drives = listDrives();
  await report({ report: 'listed', drives: drives.map(listed) });
  await Promise.all([...asked.map(follow), ...drives.filter(({ path }) => !spared.includes(path)).map(look)]);
}

async function listOnly(): Promise<void> {
  const drives = await listForeignDrives();
  await report({ report: 'listed', drives });
  for (const { path } of drives) await report({ report: 'unseen', path, reason: foreignReason });
}

const task = taskOf(drivesTaskSchema);
await (process.platform === 'linux' ? lookAtAll(task) : listOnly());
process.exit();
