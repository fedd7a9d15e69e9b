import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatTime, MirrorpointError } from '../../base/index.ts';
import { formatPlace, type Mount, parsePlace } from '../../contract/index.ts';
import type { CommandClient } from '../web/console-contract.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';

function placeOf({ volume, at }: Pick<Mount, 'volume' | 'at'>): string {
  return formatPlace({ volume, at, path: '/' }).slice(0, -2);
}

/** The folder that is meant by a folder, or by a volume with one mount. */
async function folderOf(client: CommandClient, target: string): Promise<string> {
  const { mounts } = await client.mounts.list({});
  const of = target.includes('/') ? [] : mounts.filter((mount) => placeOf(mount) === target || mount.volume === target);
  const [only, ...more] = of;
  if (only === undefined) return resolve(target);
  if (more.length === 0) return only.folder;
  throw new MirrorpointError('argument-invalid', `${target} is mounted at ${of.map(({ folder }) => folder).join(' and at ')}. Name one of the folders.`);
}

function addMount(program: Command, surroundings: Surroundings): void {
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'mount <volume> <folder>',
      summary: 'mount a volume, or a snapshot of it read-only, at a folder of this machine (Linux, root)',
      examples: ['mount work /mnt/work', 'mount work@monday /mnt/monday', 'mount copy@last /mnt/copy'],
    },
    (command) => command.option('--write-back', 'let the system gather writes: faster for small ones, but a CP has them later, and nobody else may change the files'),
    async ({ output, withClient }, options, text, folder) => {
      const { writeBack = false } = options as { writeBack?: boolean };
      const { volume, at } = parsePlace(`${text}:/`);
      const request = { volume, at, folder: resolve(folder), writeBack };
      const mount = await withClient((client) => client.mounts.add(request), { needsServer: true });
      const how = mount.isReadOnly ? `, to be read as of ${mount.cp === 0 ? 'now' : `CP ${mount.cp}`}` : '';
      output.result(mount, () => [`${text} is mounted at ${mount.folder}${how}. \`mirrorpoint unmount ${mount.folder}\` takes it away, and so does the end of the server.`]);
    },
  );
}

export function addMountCommands(program: Command, surroundings: Surroundings): void {
  addMount(program, surroundings);
  addCommand<[string]>(
    program,
    surroundings,
    {
      usage: 'unmount <target>',
      summary: 'take the mount of a folder or volume away, also one that a server which is gone has left',
      examples: ['unmount /mnt/work', 'unmount work', 'unmount /mnt/work --force'],
    },
    (command) => command.option('--force', 'also when programs use it; what they have open there gets errors'),
    async ({ output, withClient }, options, target) => {
      const { force = false } = options as { force?: boolean };
      const folder = await withClient(async (client) => {
        const found = await folderOf(client, target);
        await client.mounts.remove({ folder: found, force });
        return found;
      });
      output.result({ folder }, () => [`Nothing of Mirrorpoint is mounted at ${folder} any more.`]);
    },
  );
  addCommand<[]>(
    program,
    surroundings,
    { usage: 'mounts', summary: 'list what the server has mounted' },
    (command) => command,
    async ({ output, withClient }) => {
      const { mounts } = await withClient((client) => client.mounts.list({}), { needsServer: true });
      output.result(mounts, () =>
        table(
          ['FOLDER', 'OF', '>CP', 'TAKES CHANGES', 'SINCE'],
          mounts.map((mount) => [mount.folder, placeOf(mount), mount.cp === 0 ? '-' : String(mount.cp), mount.isReadOnly ? 'no' : 'yes', formatTime(mount.mountedWallMs)]),
        ),
      );
    },
  );
}
