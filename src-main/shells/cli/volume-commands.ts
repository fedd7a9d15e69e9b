import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../base/index.ts';
import type { Drive, NewDevice, VolumeStatus } from '../../contract/index.ts';
import { addReset } from './failover-commands.ts';
import { addCommand, eventsOf, type Surroundings } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { table } from './output.ts';
import { formatDuration, formatInterval, formatTime, parseCpInterval, parseDevice, parseSize } from './values.ts';

function newDevice(text: string, options: { preallocate?: boolean; erase?: boolean }): NewDevice {
  const { path, sizeBytes } = parseDevice(text);
  const { preallocate = false, erase = false } = options;
  return { path: resolve(path), preallocate, erase, ...(sizeBytes !== undefined && { sizeBytes }) };
}

export function statusLines(status: VolumeStatus): string[] {
  const { blockSizeBytes } = status;
  const rows: [string, string][] = [
    ['volume', `${status.name} (${status.role})`],
    ['identity', status.volumeId],
    ['devices', status.devices.join(', ')],
    ['size', `${formatBytes(status.blockCount * blockSizeBytes)} in blocks of ${formatBytes(blockSizeBytes)}`],
    ['used', `${formatBytes(status.usedBlockCount * blockSizeBytes)}, free ${formatBytes(status.freeBlockCount * blockSizeBytes)}`],
    ['last CP', status.cp === 0 ? 'none yet' : `${status.cp}, ${formatTime(status.cpWallMs)}`],
    ['files', `${status.inodeCount} inodes, ${status.snapshotCount} snapshots`],
  ];
  if (status.role === 'primary') {
    rows.push(['CP interval', `${formatInterval(status.cpIntervalMs)}, durability ${status.durability}`]);
    rows.push(['waiting', `${formatBytes(status.waitingBytes)} for the next CP`]);
  }
  for (const { device, reads, writes, flushes } of status.deviceErrors) {
    rows.push(['errors', `${device}: ${reads} at reading, ${writes} at writing, ${flushes} at flushing`]);
  }
  if (status.listen.length > 0) rows.push(['listens at', status.listen.join(', ')]);
  if (status.recovery !== undefined) {
    const { cp, replayedRequests, damagedRootCopies } = status.recovery;
    rows.push(['opened at', `CP ${cp}, ${replayedRequests} requests from the journal, ${damagedRootCopies} damaged root copies`]);
  }
  return rows.map(([key, value]) => `${key.padEnd(12)} ${value}`);
}

interface VolumeOptions {
  role?: 'primary' | 'mirror';
  interval?: string;
  durability?: 'sync' | 'request';
  discard?: boolean;
  listen?: string[];
  from?: string;
}

interface CreateOptions extends VolumeOptions {
  blockSize: string;
  journal?: string;
  preallocate?: boolean;
  erase?: boolean;
}

function volumeSettings(options: VolumeOptions): {
  role: 'primary' | 'mirror';
  discard: boolean;
  listen: string[];
  cpIntervalMs?: number;
  durability?: 'sync' | 'request';
  from?: string;
} {
  const { role = 'primary', interval, durability, discard = false, listen = [], from } = options;
  return {
    role,
    discard,
    listen,
    ...(interval !== undefined && { cpIntervalMs: parseCpInterval(interval) }),
    ...(durability !== undefined && { durability }),
    ...(from !== undefined && { from }),
  };
}

function withVolumeOptions(command: Command): Command {
  return command
    .option('--role <role>', 'primary, or mirror of a volume elsewhere', 'primary')
    .option('--interval <time>', 'time between CPs: 1s to 24h, or off (default 30s)')
    .option('--durability <promise>', 'what an acknowledgement promises: sync or request (default sync)')
    .option('--discard', 'give freed room back to the file system of an image (primary only)')
    .option('--listen <address...>', 'where a mirror waits for its primary: ipc://NAME, tcp://127.0.0.1:PORT, or tls://0.0.0.0:PORT for paired servers')
    .option('--from <peer>', 'the paired server that a mirror follows, and no other');
}

function addCreation(volume: Command, surroundings: Surroundings): void {
  addCommand<[string, string[]]>(
    volume,
    surroundings,
    {
      usage: 'create <name> <device...>',
      summary: 'make a volume of image files (PATH=SIZE) and drives (PATH)',
      examples: [
        'volume create work work.img=10G',
        'volume create copy copy.img=10G --role mirror --listen ipc://office',
        'volume create big /dev/sdx more.img=1T --block-size 16K',
      ],
    },
    (command) =>
      withVolumeOptions(command)
        .option('--block-size <size>', '4K to 64K', '4K')
        .option('--journal <size>', 'room for requests between two CPs')
        .option('--preallocate', 'take the room of images at once')
        .option('--erase', 'lose whatever the devices hold now'),
    async ({ output, withClient }, options, name, devices) => {
      const given = options as unknown as CreateOptions;
      const request = {
        name,
        ...volumeSettings(given),
        devices: devices.map((device) => newDevice(device, given)),
        blockSizeBytes: parseSize(given.blockSize),
        ...(given.journal !== undefined && { journalBytes: parseSize(given.journal) }),
      };
      const status = await withClient((client) => client.volumes.create(request));
      output.result(status, () => statusLines(status));
    },
  );
  addCommand<[string, string[]]>(
    volume,
    surroundings,
    {
      usage: 'attach <name> <device...>',
      summary: 'take in a volume that was made before, by all its devices; a former primary with --role mirror steps down',
      examples: ['volume attach work /mnt/disk/work.img', 'volume attach copy old.img --role mirror --listen tls://0.0.0.0:7400'],
    },
    withVolumeOptions,
    async ({ output, withClient }, options, name, devices) => {
      const paths = devices.map((device) => resolve(device));
      const request = { name, ...volumeSettings(options), devices: paths };
      const status = await withClient((client) => client.volumes.attach(request));
      output.result(status, () => statusLines(status));
    },
  );
}

const uses: Readonly<Record<Drive['use'], string>> = {
  free: 'blank',
  content: 'has content',
  mounted: 'in use',
  system: 'system',
  volume: 'a volume here',
};

/** What cannot be taken although nothing uses it is not said to be blank. */
function stateOf({ use, refusal }: Pick<Drive, 'use' | 'refusal'>): string {
  return refusal !== undefined && (use === 'free' || use === 'content') ? 'refused' : uses[use];
}

function driveLines(drives: readonly Drive[]): string[] {
  if (drives.length === 0) return ['There is no drive here that a volume could be made on.'];
  const row = ({ path, sizeBytes, model, serial, connection, contents, use, refusal }: Drive): string[] => {
    return [path, formatBytes(sizeBytes), model || '-', serial ?? '-', connection, stateOf({ use, refusal }), contents.join('; ') || '-'];
  };
  return [
    ...table(['DRIVE', '>SIZE', 'MODEL', 'SERIAL', 'BY', 'STATE', 'CONTENTS'], drives.map(row)),
    ...drives.flatMap(({ refusal }) => refusal ?? []),
  ];
}

function addDrives(volume: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    volume,
    surroundings,
    { usage: 'drives', summary: 'list the drives of this machine, what is on them, and why some cannot be taken' },
    (command) => command,
    async ({ output, withClient }) => {
      const list = await withClient((client) => client.machine.drives({}));
      output.result(list, () => driveLines(list.drives));
    },
  );
}

function addLooking(volume: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    volume,
    surroundings,
    { usage: 'inspect <name>', summary: 'show a volume in detail' },
    (command) => command,
    async ({ output, withClient }, _options, name) => {
      const status = await withClient((client) => client.volumes.inspect({ volume: name }));
      output.result(status, () => statusLines(status));
    },
  );
  addCommand<[]>(
    volume,
    surroundings,
    { usage: 'list', summary: 'list the volumes of this configuration folder' },
    (command) => command,
    async ({ output, withClient }) => {
      const { volumes } = await withClient((client) => client.volumes.list({}));
      output.result(volumes, () =>
        table(
          ['NAME', 'ROLE', 'STATE', 'DEVICES'],
          volumes.map((one) => [one.name, one.role, one.state, one.devices.join(', ')]),
        ),
      );
    },
  );
  addCommand<[string]>(
    volume,
    surroundings,
    {
      usage: 'check <name>',
      summary: 'verify every block, tree and count of the last CP and of every snapshot',
      examples: ['volume check work'],
    },
    (command) => command,
    async ({ output, withClient, signal, exitWith }, _options, name) => {
      await withClient(async (client) => {
        for await (const event of eventsOf(client.volumes.check({ volume: name }), signal)) {
          if (event.type === 'progress') {
            output.progress(`${formatBytes(event.bytes)} of ${formatBytes(event.bytesTotal ?? 0)} verified`);
          } else if (event.type === 'done') {
            if (event.problems.length > 0) exitWith(exitCodes.differences);
            output.result(event, () => [
              ...event.problems.map((problem) => `${problem.code}: ${problem.message}`),
              `CP ${event.cp}: ${event.verifiedBlocks} blocks verified in ${formatDuration(event.durationMs)}, ` +
                `${event.inodes} inodes, ${event.keptRoots} kept roots. ` +
                (event.problems.length === 0 ? 'The volume is whole.' : `${event.problems.length} problems found.`),
            ]);
          }
        }
      });
    },
  );
}

function addReplacing(volume: Command, surroundings: Surroundings): void {
  addCommand<[string, string, string]>(
    volume,
    surroundings,
    {
      usage: 'replace-device <name> <old> <new>',
      summary: 'copy a device to a new one of at least its size, which takes its place while the volume is in use; what the old one does not give is healed from the other side',
      examples: ['volume replace-device work /mnt/old/work.img /mnt/new/work.img=10G', 'volume replace-device work /dev/sdx /dev/sdy --erase'],
    },
    (command) => command.option('--preallocate', 'take the room of an image at once').option('--erase', 'lose whatever the new device holds now'),
    async ({ output, withClient, signal }, options, name, old, next) => {
      const request = { volume: name, old: resolve(old), device: newDevice(next, options) };
      await withClient(async (client) => {
        for await (const event of eventsOf(client.volumes.replaceDevice(request), signal)) {
          if (event.type === 'progress') output.progress(`${formatBytes(event.bytes)} of ${formatBytes(event.bytesTotal ?? 0)} copied`);
          else if (event.type === 'done') {
            output.result(event, () => [
              `${request.device.path} has taken the place of ${request.old}, after ${formatDuration(event.durationMs)}.`,
              ...(event.unreadableBytes === 0 ? [] : [unreadableLine(name, event)]),
            ]);
          }
        }
      });
    },
  );
}

function unreadableLine(name: string, { unreadableBytes, isScrubbing }: { unreadableBytes: number; isScrubbing: boolean }): string {
  const next = isScrubbing
    ? `A scrub heals from the other side what of that is in use: \`mirrorpoint scrub status ${name}\`.`
    : `Run \`mirrorpoint scrub start ${name}\` in a server: it heals from the other side what of that is in use.`;
  return `The old device did not give ${formatBytes(unreadableBytes)}. ${next}`;
}

function addChanging(volume: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    volume,
    surroundings,
    {
      usage: 'grow <name>',
      summary: 'add a device, enlarge an image, or take in the room that a device gained; the mirror first',
      examples: ['volume grow work --add more.img=10G', 'volume grow work --enlarge work.img=20G'],
    },
    (command) =>
      command
        .option('--add <device>', 'a device more: PATH=SIZE of an image to make, or PATH of a drive')
        .option('--enlarge <device>', 'PATH=SIZE: the new size of an image')
        .option('--preallocate', 'take the room of the image at once')
        .option('--erase', 'lose whatever the device holds now'),
    async ({ output, withClient }, options, name) => {
      const given = options as { add?: string; enlarge?: string; preallocate?: boolean; erase?: boolean };
      const request = {
        volume: name,
        ...(given.add !== undefined && { add: newDevice(given.add, given) }),
        ...(given.enlarge !== undefined && { enlarge: newDevice(given.enlarge, given) }),
      };
      const status = await withClient((client) => client.volumes.grow(request));
      output.result(status, () => statusLines(status));
    },
  );
  addCommand<[string]>(
    volume,
    surroundings,
    { usage: 'detach <name>', summary: 'close a volume and forget where it is; its devices stay as they are' },
    (command) => command,
    async ({ output, withClient }, _options, name) => {
      await withClient((client) => client.volumes.detach({ volume: name }));
      output.result({}, () => [`Volume ${name} is detached; its devices are unchanged.`]);
    },
  );
}

export function addVolumeCommands(program: Command, surroundings: Surroundings): void {
  const volume = program.command('volume').description('make, look at, verify and enlarge volumes');
  addCreation(volume, surroundings);
  addLooking(volume, surroundings);
  addDrives(volume, surroundings);
  addChanging(volume, surroundings);
  addReplacing(volume, surroundings);
  addReset(volume, surroundings);
}
