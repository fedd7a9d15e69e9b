import type { Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import type { Snapshot } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { formatTime } from './values.ts';

/** `VOLUME@SNAPSHOT` taken apart. */
function parseSnapshot(text: string): { volume: string; snapshot: string } {
  const sign = text.indexOf('@');
  if (sign > 0 && sign < text.length - 1) return { volume: text.slice(0, sign), snapshot: text.slice(sign + 1) };
  throw new MirrorpointError('argument-invalid', `'${text}' names no snapshot. Write VOLUME@SNAPSHOT.`);
}

function addListing(snapshot: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    snapshot,
    surroundings,
    { usage: 'list <volume>', summary: 'list the snapshots of a volume or mirror in the order of their CPs' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const all: Snapshot[] = [];
      await withClient(async (client) => {
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
          all.map((one) => [one.name, String(one.cp), formatTime(one.wallMs), one.holds.join(', ')]),
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
  for (const [action, summary, done] of [
    ['hold', 'keep a snapshot from being deleted until the label is released', 'is held by'],
    ['release', 'take a hold back', 'is no longer held by'],
  ] as const) {
    addCommand<[string, string]>(
      snapshot,
      surroundings,
      { usage: `${action} <volume@snapshot> <label>`, summary, examples: [`snapshot ${action} work@monday audit`] },
      (command) => command,
      async ({ output, withClient }, _options, text, label) => {
        await withClient((client) => client.snapshots[action]({ ...parseSnapshot(text), label }));
        output.result({}, () => [`Snapshot ${text} ${done} ${label}.`]);
      },
    );
  }
}
