import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatTime } from '../../base/index.ts';
import { formatPlace, parsePlace } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';

/** Clones live in a server. */
const inServer = { needsServer: true };

export function addCloneCommands(program: Command, surroundings: Surroundings): void {
  const clone = program.command('clone').description('try a state of a volume out: a copy that can be written, and is forgotten');
  addCommand<[string, string]>(
    clone,
    surroundings,
    {
      usage: 'start <volume> <name>',
      summary: 'make a clone of the last CP, or of a snapshot, of a mirror or primary; mirroring goes on',
      examples: ['clone start copy trial', 'clone start copy@monday trial', 'clone start copy trial --scratch /var/tmp'],
    },
    (command) => command.option('--scratch <folder>', 'where what the clone writes is kept while it lives (default: in the configuration folder)'),
    async ({ output, withClient }, options, text, name) => {
      const { scratch } = options as { scratch?: string };
      const { volume, at } = parsePlace(`${text}:/`);
      const request = { name, volume, at, ...(scratch !== undefined && { scratch: resolve(scratch) }) };
      const status = await withClient((client) => client.clones.start(request), inServer);
      output.result(status, () => [
        `${name} is a clone of ${text}, and takes changes like any volume. \`mirrorpoint clone end ${name}\` forgets it, and so does the end of the server.`,
      ]);
    },
  );
  addCommand<[string]>(
    clone,
    surroundings,
    { usage: 'end <name>', summary: 'forget a clone and all that was written to it', examples: ['clone end trial'] },
    (command) => command,
    async ({ output, withClient }, _options, name) => {
      await withClient((client) => client.clones.end({ name }), inServer);
      output.result({}, () => [`The clone ${name} is forgotten.`]);
    },
  );
  addCommand<[]>(
    clone,
    surroundings,
    { usage: 'list', summary: 'list the clones that live' },
    (command) => command,
    async ({ output, withClient }) => {
      const { clones } = await withClient((client) => client.clones.list({}), inServer);
      output.result(clones, () =>
        table(
          ['NAME', 'OF', 'SINCE'],
          clones.map(({ name, volume, at, startedWallMs }) => [name, formatPlace({ volume, at, path: '/' }).slice(0, -2), formatTime(startedWallMs)]),
        ),
      );
    },
  );
}
