import type { Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import type { Snapshot } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { readerFor, withPeerOption } from './peer-reading.ts';
import { addPruneCommand } from './schedule-commands.ts';
import { formatTime } from './values.ts';

/** `VOLUME@SNAPSHOT` taken apart. */
function parseSnapshot(text: string): { volume: string; snapshot: string } {
  const sign = text.indexOf('@');
  if (sign > 0 && sign < text.length - 1) return { volume: text.slice(0, sign), snapshot: text.slice(sign + 1) };
  throw new MirrorpointError('argument-invalid', `'${text}' names no snapshot. Write VOLUME@SNAPSHOT.`);
}

function holdText({ label, reason }: Snapshot['holds'][number]): string {
  return reason === undefined ? label : `${label} (${reason})`;
}

function addListing(snapshot: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    snapshot,
    surroundings,
    { usage: 'list <volume>', summary: 'list the snapshots of a volume or mirror in the order of their CPs', examples: ['snapshot list work', 'snapshot list copy --peer office'] },
    withPeerOption,
    async ({ output, withClient }, options, volume) => {
      const all: Snapshot[] = [];
      await withClient(async (server) => {
        const client = readerFor(server, options);
        for (let after = 0; ; ) {
          const page = await client.snapshots.list({ volume, after });
          all.push(...page.snapshots);
          if (!page.more) break;
          after = page.snapshots.at(-1)?.cp ?? Infinity;
        }
      });
      output.result(all, () =>
        table(
          ['NAME', '>CP', 'TAKEN', 'HELD BY'],
          all.map((one) => [one.name, String(one.cp), formatTime(one.wallMs), one.isSetAside === true ? 'set aside here alone' : one.holds.map(holdText).join(', ')]),
        ),
      );
    },
  );
}

export function addSnapshotCommands(program: Command, surroundings: Surroundings): void {
  const snapshot = program.command('snapshot').description('keep, list and give up states of a volume');
  addCommand<[string]>(
    snapshot,
    surroundings,
    { usage: 'create <volume@snapshot>', summary: 'take a CP and keep it under a name', examples: ['snapshot create work@monday'] },
    (command) => command,
    async ({ output, withClient }, _options, text) => {
      const made = await withClient((client) => client.snapshots.create(parseSnapshot(text)));
      output.result(made, () => [`Snapshot ${made.name} keeps CP ${made.cp}.`]);
    },
  );
  addListing(snapshot, surroundings);
  addPruneCommand(snapshot, surroundings);
  addCommand<[string]>(
    snapshot,
    surroundings,
    { usage: 'delete <volume@snapshot>', summary: 'give up a snapshot; its room comes back with the next CPs' },
    (command) => command,
    async ({ output, withClient }, _options, text) => {
      await withClient((client) => client.snapshots.delete(parseSnapshot(text)));
      output.result({}, () => [`Snapshot ${text} is deleted.`]);
    },
  );
  addCommand<[string, string]>(
    snapshot,
    surroundings,
    {
      usage: 'hold <volume@snapshot> <label>',
      summary: 'keep a snapshot from being deleted until the label is released',
      examples: ['snapshot hold work@monday audit --reason "asked for by the auditors until March"'],
    },
    (command) => command.option('--reason <text>', 'why, for those who find it held'),
    async ({ output, withClient }, options, text, label) => {
      const { reason } = options as { reason?: string };
      await withClient((client) => client.snapshots.hold({ ...parseSnapshot(text), label, ...(reason !== undefined && { reason }) }));
      output.result({}, () => [`Snapshot ${text} is held by ${holdText({ label, reason })}.`]);
    },
  );
  addCommand<[string, string]>(
    snapshot,
    surroundings,
    { usage: 'release <volume@snapshot> <label>', summary: 'take a hold back', examples: ['snapshot release work@monday audit'] },
    (command) => command,
    async ({ output, withClient }, _options, text, label) => {
      await withClient((client) => client.snapshots.release({ ...parseSnapshot(text), label }));
      output.result({}, () => [`Snapshot ${text} is no longer held by ${label}.`]);
    },
  );
}
