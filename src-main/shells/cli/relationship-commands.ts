import type { Command } from 'commander';
import { addCommand, type CommandContext, type Surroundings } from './command.ts';
import { formatDuration, parseInterval } from './values.ts';

type Action = 'unlink' | 'pause' | 'resume';

const actions: readonly { action: Action; summary: string; done: (volume: string, address: string) => string }[] = [
  {
    action: 'unlink',
    summary: 'end a link; nothing is kept for that mirror any more',
    done: (volume, address) => `Volume ${volume} is no longer linked to ${address}.`,
  },
  {
    action: 'pause',
    summary: 'stop sending until resume; what the mirror needs is kept',
    done: (volume, address) => `The link of ${volume} to ${address} is paused.`,
  },
  {
    action: 'resume',
    summary: 'go on after pause',
    done: (volume, address) => `The link of ${volume} to ${address} goes on.`,
  },
];

function addLink(program: Command, surroundings: Surroundings): void {
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'link <volume> <address>',
      summary: 'mirror a primary volume to the mirror that listens at an address',
      examples: ['link work ipc://office', 'link work tls://192.168.1.20:7400 --peer office'],
    },
    (command) => command.option('--peer <peer>', 'the paired server that must be there, for a tls:// address: its name or identity'),
    async ({ output, withClient }, options, volume, address) => {
      const { peer } = options as { peer?: string };
      await withClient((client) => client.relationships.link({ volume, address, ...(peer !== undefined && { peer }) }));
      output.result({}, () => [`Volume ${volume} is linked to ${address}. Follow it by \`mirrorpoint status --watch\`.`]);
    },
  );
}

function addLagLimit(program: Command, surroundings: Surroundings): void {
  addCommand<[string, string, string | undefined]>(
    program,
    surroundings,
    {
      usage: 'lag-limit <volume> <time> [address]',
      summary: 'set from which lag, or silence, on there is an alert: of one link, or of all of a volume; on a mirror as well',
      examples: ['lag-limit work 5m', 'lag-limit work 1h tls://192.168.1.20:7400', 'lag-limit copy default'],
    },
    (command) => command,
    async ({ output, withClient }, _options, volume, time, address) => {
      const lagLimitMs = time === 'default' ? undefined : parseInterval(time);
      await withClient((client) =>
        client.relationships.setLagLimit({ volume, ...(address !== undefined && { address }), ...(lagLimitMs !== undefined && { lagLimitMs }) }),
      );
      output.result({}, () => [
        lagLimitMs === undefined
          ? `An alert comes beyond the default: three intervals of CPs, and at least a minute.`
          : `An alert comes when ${volume} is mirrored more than ${formatDuration(lagLimitMs)} late.`,
      ]);
    },
  );
}

export function addRelationshipCommands(program: Command, surroundings: Surroundings): void {
  addLink(program, surroundings);
  addLagLimit(program, surroundings);
  for (const { action, summary, done } of actions) {
    addCommand<[string, string | undefined]>(
      program,
      surroundings,
      { usage: `${action} <volume> [address]`, summary, examples: [`${action} work ipc://office`] },
      (command) => command,
      async ({ output, withClient }: CommandContext, _options, volume, address) => {
        await withClient((client) => client.relationships[action]({ volume, ...(address !== undefined && { address }) }));
        output.result({}, () => [done(volume, address ?? 'its other server')]);
      },
    );
  }
}
