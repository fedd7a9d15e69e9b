import type { Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import type { ServerSettings } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';

const notices: Readonly<Record<ServerSettings['notifications'], string>> = {
  none: 'none',
  problem: 'problems alone',
  warning: 'warnings and problems',
};

function settingLines({ serverName, notifications }: ServerSettings): string[] {
  return [`name           ${serverName}`, `notifications  ${notices[notifications]}`];
}

export function addSettingsCommands(program: Command, surroundings: Surroundings): void {
  const settings = program.command('settings').description('what this server is called, and what it shows on the desktop');
  addCommand<[]>(
    settings,
    surroundings,
    { usage: 'show', summary: 'show the settings of this server' },
    (command) => command,
    async ({ output, withClient }) => {
      const now = await withClient((client) => client.server.settings({}));
      output.result(now, () => settingLines(now));
    },
  );
  addCommand<[]>(
    settings,
    surroundings,
    {
      usage: 'set',
      summary: 'change settings of this server; what is not named stays',
      examples: ['settings set --name office', 'settings set --notifications problem'],
    },
    (command) =>
      command
        .option('--name <name>', 'what it is called where others see it; a paired server that knows it by another name keeps that')
        .option('--notifications <level>', 'which alerts are shown on the desktop: none, problem, or warning for problems too'),
    async ({ output, withClient }, options) => {
      const { name, notifications } = options as { name?: string; notifications?: ServerSettings['notifications'] };
      if (name === undefined && notifications === undefined) {
        throw new MirrorpointError('argument-invalid', 'Say what is to change, by --name or --notifications. See `mirrorpoint settings show`.');
      }
      const change = { ...(name !== undefined && { serverName: name }), ...(notifications !== undefined && { notifications }) };
      const now = await withClient((client) => client.server.configure(change));
      output.result(now, () => settingLines(now));
    },
  );
}
