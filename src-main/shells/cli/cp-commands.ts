import type { Command } from 'commander';
import { formatBytes } from '../../base/index.ts';
import type { CpHistoryRecord } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { formatDuration, formatInterval, formatTime, parseCount, parseCpInterval } from './values.ts';

const pageMax = 1000;

function historyLines(records: readonly CpHistoryRecord[]): string[] {
  return table(
    ['>CP', 'CAUSE', 'TAKEN', '>DURATION', '>DATA', '>ADDRESS', '>BYTES'],
    records.map((record) => [
      String(record.cp),
      record.cause,
      formatTime(record.startedWallMs),
      formatDuration(record.durationMs),
      String(record.dataBlocks),
      String(record.addressBlocks),
      formatBytes(record.bytes),
    ]),
  );
}

export function addCpCommands(program: Command, surroundings: Surroundings): void {
  const cp = program.command('cp').description('consistency points: take one, see them, set their interval');
  addCommand<[string]>(
    cp,
    surroundings,
    { usage: 'now <volume>', summary: 'take a CP and wait for its end' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const record = await withClient((client) => client.cp.now({ volume }));
      output.result(record, () => historyLines([record]));
    },
  );
  addCommand<[string]>(
    cp,
    surroundings,
    { usage: 'history <volume>', summary: 'list the last CPs with cause, duration, blocks and bytes, newest first' },
    (command) => command.option('--limit <count>', 'how many', '20'),
    async ({ output, withClient }, options, volume) => {
      let left = parseCount((options as { limit: string }).limit);
      const all: CpHistoryRecord[] = [];
      await withClient(async (client) => {
        while (left > 0) {
          const last = all.at(-1);
          const limit = Math.min(left, pageMax);
          const { records } = await client.cp.history({ volume, limit, ...(last !== undefined && { before: last.cp }) });
          all.push(...records);
          left = records.length < limit ? 0 : left - records.length;
        }
      });
      output.result(all, () => historyLines(all));
    },
  );
  addCommand<[string, string]>(
    cp,
    surroundings,
    { usage: 'interval <volume> <time>', summary: 'set the time between CPs: 1s to 24h, or off', examples: ['cp interval work 5s'] },
    (command) => command,
    async ({ output, withClient }, _options, volume, time) => {
      const intervalMs = parseCpInterval(time);
      await withClient((client) => client.cp.setInterval({ volume, intervalMs }));
      output.result({}, () => [`Volume ${volume} takes a CP every ${formatInterval(intervalMs)} when there are changes.`]);
    },
  );
}
