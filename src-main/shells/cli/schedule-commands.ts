import type { Command } from 'commander';
import { formatBytes, formatTime } from '../../base/index.ts';
import type { JudgedSnapshot, MirrorpointClient, RetentionPreview, Schedule, ScheduleStatus } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { formatLongTime, parseCount, parseLongTime } from './values.ts';

type KeepRules = Schedule['keep'];

const counted = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
type KeepOptions = Readonly<Partial<Record<(typeof counted)[number] | 'keepAll', string>>>;

function withKeepOptions(command: Command): Command {
  return command
    .option('--keep-all <time>', 'keep all of so long past: 2h, 1d')
    .option('--last <count>', 'keep the newest so many')
    .option('--hourly <count>', 'keep the newest of so many hours')
    .option('--daily <count>', 'of so many days')
    .option('--weekly <count>', 'of so many weeks, which begin on Monday')
    .option('--monthly <count>', 'of so many months')
    .option('--yearly <count>', 'of so many years');
}

function parseKeep(options: KeepOptions): KeepRules {
  const counts = counted.map((rule) => [rule, options[rule] === undefined ? 0 : parseCount(options[rule])] as const);
  const keepAllForMs = options.keepAll === undefined ? 0 : parseLongTime(options.keepAll);
  return { keepAllForMs, ...(Object.fromEntries(counts) as Omit<KeepRules, 'keepAllForMs'>) };
}

function keepText(keep: KeepRules): string {
  const parts = keep.keepAllForMs === 0 ? [] : [`all for ${formatLongTime(keep.keepAllForMs)}`];
  for (const rule of counted) if (keep[rule] > 0) parts.push(rule === 'last' ? `the last ${keep.last}` : `${keep[rule]} ${rule}`);
  return parts.join(', ');
}

function statusLines(volume: string, { schedule, isActive, lastRunWallMs, nextRunWallMs }: ScheduleStatus): string[] {
  if (schedule === undefined) return [`Volume ${volume} has no snapshot schedule.`];
  const every = schedule.everyMs === 'cp' ? 'with every CP that changes files' : `every ${formatLongTime(schedule.everyMs)}`;
  const lines = [`Volume ${volume} is kept as a snapshot ${every}, when something has changed. Of those are kept: ${keepText(schedule.keep)}.`];
  if (lastRunWallMs !== undefined) lines.push(`Last run ${formatTime(lastRunWallMs)}${nextRunWallMs === undefined ? '' : `, next ${formatTime(nextRunWallMs)}`}.`);
  if (!isActive) lines.push('It waits: a schedule runs in a server, and for a mirror from when it becomes the primary.');
  return lines;
}

/** All pages of a preview as one. */
async function previewOf(client: MirrorpointClient, volume: string, keep?: KeepRules): Promise<RetentionPreview> {
  const all: JudgedSnapshot[] = [];
  for (let after = 0; ; ) {
    const page = await client.schedule.preview({ volume, after, ...(keep !== undefined && { keep }) });
    all.push(...page.snapshots);
    if (!page.more) return { ...page, snapshots: all };
    after = all.at(-1)?.cp ?? Infinity;
  }
}

function previewLines({ snapshots, keptCount, droppedCount, freedBytes }: RetentionPreview): string[] {
  return [
    ...table(
      ['NAME', '>CP', 'TAKEN', 'STAYS'],
      snapshots.map(({ name, cp, wallMs, reasons }) => [name, String(cp), formatTime(wallMs), reasons.length === 0 ? 'no, it goes' : reasons.join(', ')]),
    ),
    `${keptCount} stay, ${droppedCount} go, which frees ${formatBytes(freedBytes)}.`,
  ];
}

/** Shows what rules would leave, and changes nothing. */
export function addPruneCommand(snapshot: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    snapshot,
    surroundings,
    {
      usage: 'prune <volume>',
      summary: 'give up at once what the rules of the schedule do not keep',
      examples: ['snapshot prune work --dry-run'],
    },
    (command) => command.option('--dry-run', 'only show what would go, and what that frees'),
    async ({ output, withClient }, options, volume) => {
      if ((options as { dryRun?: boolean }).dryRun === true) {
        const preview = await withClient((client) => previewOf(client, volume));
        output.result(preview, () => previewLines(preview));
        return;
      }
      const done = await withClient((client) => client.schedule.prune({ volume }));
      output.result(done, () => [...done.dropped, `${done.dropped.length} went, which frees ${formatBytes(done.freedBytes)} with the next CPs.`]);
    },
  );
}

export function addScheduleCommands(program: Command, surroundings: Surroundings): void {
  const schedule = program.command('schedule').description('snapshots at intervals, and how many of them are kept');
  addCommand<[string]>(
    schedule,
    surroundings,
    { usage: 'show <volume>', summary: 'show the schedule of a volume, its last run and its next' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const status = await withClient((client) => client.schedule.show({ volume }));
      output.result(status, () => statusLines(volume, status));
    },
  );
  addCommand<[string]>(
    schedule,
    surroundings,
    {
      usage: 'set <volume>',
      summary: 'take snapshots at intervals and keep some of them; the first is taken at once',
      examples: [
        'schedule set work --every 15m --keep-all 2h --hourly 24 --daily 7 --weekly 4 --monthly 12 --yearly 3',
        'schedule set work --every cp --keep-all 1h --daily 30',
      ],
    },
    (command) => withKeepOptions(command.requiredOption('--every <time>', '1m to 1y, at the full minutes, hours, days of UTC; or cp: every CP that changes files')),
    async ({ output, withClient }, options, volume) => {
      const { every, ...rest } = options as KeepOptions & { every: string };
      const everyMs = every === 'cp' ? every : parseLongTime(every);
      const status = await withClient((client) => client.schedule.set({ volume, schedule: { everyMs, keep: parseKeep(rest) } }));
      output.result(status, () => statusLines(volume, status));
    },
  );
  addCommand<[string]>(
    schedule,
    surroundings,
    { usage: 'off <volume>', summary: 'end the schedule; the snapshots that it made stay' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      await withClient((client) => client.schedule.off({ volume }));
      output.result({}, () => [`Volume ${volume} has no snapshot schedule any more. Its snapshots stay until you delete them.`]);
    },
  );
  addCommand<[string]>(
    schedule,
    surroundings,
    {
      usage: 'preview <volume>',
      summary: 'show which snapshots the rules would leave now and what that frees, and change nothing',
      examples: ['schedule preview work', 'schedule preview work --hourly 12 --daily 3'],
    },
    withKeepOptions,
    async ({ output, withClient }, options, volume) => {
      const keep = parseKeep(options);
      const isGiven = Object.values(keep).some((value) => value > 0);
      const preview = await withClient((client) => previewOf(client, volume, isGiven ? keep : undefined));
      output.result(preview, () => previewLines(preview));
    },
  );
}
