import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import { type HoldStatus, parseCap, type SpaceReport } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { askAtTerminal } from './question.ts';
import { formatTime } from './values.ts';

function capText({ heldCapBytes, holdCap }: HoldStatus): string {
  const set = holdCap === undefined ? 'default' : 'percent' in holdCap ? `${holdCap.percent} %` : 'set';
  return `${formatBytes(heldCapBytes)} (${set})`;
}

function droppedText({ baseDropped }: HoldStatus): string {
  return baseDropped === undefined ? '' : `base of CP ${baseDropped.cp} dropped at ${formatTime(baseDropped.wallMs)} (${baseDropped.why})`;
}

function spaceLines(report: SpaceReport): string[] {
  const { sizeBytes } = report;
  const share = (bytes: number): string => `${((100 * bytes) / sizeBytes).toFixed(1)} %`;
  const lines = table(
    [`VOLUME ${report.volume}, CP ${report.cp}`, '>SIZE', '>SHARE'],
    [
      ['live files and maps', formatBytes(report.liveBytes), share(report.liveBytes)],
      ['kept for snapshots, mirrors, readers', formatBytes(report.keptBytes), share(report.keptBytes)],
      ['free', formatBytes(report.freeBytes), share(report.freeBytes)],
      ['all', formatBytes(sizeBytes), share(sizeBytes)],
    ],
  );
  const holders = report.holders.map(({ kind, address = '', peerName, bytes, sinceCp, capBytes }) => {
    const who = kind === 'mirror' ? `mirror ${peerName === undefined ? address : `${peerName} (${address})`}` : 'readers of old states';
    const since = sinceCp === 0 ? '' : `, since CP ${sinceCp}`;
    return `Held by ${who}: ${formatBytes(bytes)}${capBytes === undefined ? '' : ` of at most ${formatBytes(capBytes)}`}${since}.`;
  });
  const snapshots = table(
    ['SNAPSHOT', '>CP', 'TAKEN', '>UNIQUE', 'HELD BY'],
    report.snapshots.map((one) => [
      one.names.join(', '),
      String(one.cp),
      formatTime(one.wallMs),
      formatBytes(one.uniqueBytes),
      one.holds.join(', '),
    ]),
  );
  return [...lines, ...holders, ...(report.snapshots.length === 0 ? ['There are no snapshots.'] : snapshots)];
}

function addSpace(program: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    program,
    surroundings,
    {
      usage: 'space <volume>',
      summary: 'show where the room of a volume is: live, what each snapshot alone keeps, what is held by whom, free',
      examples: ['space work', 'space work --json'],
    },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const report = await withClient(async (client) => {
        const first = await client.volumes.space({ volume });
        for (let page = first; page.more; ) {
          page = await client.volumes.space({ volume, after: page.snapshots.at(-1)?.cp });
          first.snapshots.push(...page.snapshots);
        }
        return { ...first, more: false };
      });
      output.result(report, () => spaceLines(report));
    },
  );
}

function addHoldChanges(hold: Command, surroundings: Surroundings): void {
  addCommand<[string, string, string]>(
    hold,
    surroundings,
    {
      usage: 'cap <volume> <address> <cap>',
      summary: 'set how much may be kept for a mirror that is away: a size, a percentage of the volume, or default',
      examples: ['hold cap work tls://192.168.1.20:7400 50G', 'hold cap work ipc://office 15%', 'hold cap work ipc://office default'],
    },
    (command) => command,
    async ({ output, withClient }, _options, volume, address, text) => {
      const cap = parseCap(text);
      const status = await withClient((client) => client.holds.setCap({ volume, address, ...(cap !== undefined && { cap }) }));
      output.result(status, () => [`At most ${capText(status)} is kept for the mirror at ${address}; now it is ${formatBytes(status.heldBytes)}.`]);
    },
  );
  addCommand<[string, string]>(
    hold,
    surroundings,
    {
      usage: 'release <volume> <address>',
      summary: 'give up what is kept for a mirror; when it comes again, the two are compared and only what differs travels',
      examples: ['hold release work ipc://office', 'hold release work ipc://office --yes'],
    },
    (command) => command.option('--yes', 'do it without asking'),
    async ({ output, signal, withClient }, options, volume, address) => {
      const { yes = false } = options as { yes?: boolean };
      const question = `Views that are open on the mirror at ${address} may break, and it will be compared block by block. Give up its hold?`;
      if (!yes && !(await askAtTerminal(question, signal))) {
        throw new MirrorpointError('cancelled', 'Nothing was given up. To do it without being asked, add --yes.');
      }
      const status = await withClient((client) => client.holds.release({ volume, address }));
      output.result(status, () => [`Nothing is kept for the mirror at ${address} any more; the room comes back with the next CPs.`]);
    },
  );
}

export function addSpaceCommands(program: Command, surroundings: Surroundings): void {
  addSpace(program, surroundings);
  const hold = program.command('hold').description('what is kept on a primary for its mirrors: show, limit, give up');
  addCommand<[string]>(
    hold,
    surroundings,
    { usage: 'show <volume>', summary: 'show what is kept for each mirror, and how much that may be', examples: ['hold show work'] },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      const { holds } = await withClient((client) => client.holds.list({ volume }));
      output.result(holds, () =>
        holds.length === 0
          ? [`Volume ${volume} has no mirrors.`]
          : table(
              ['MIRROR', '>HELD', '>SINCE CP', 'AT MOST', ''],
              holds.map((one) => [
                one.address,
                formatBytes(one.heldBytes),
                one.heldSinceCp === 0 ? '-' : String(one.heldSinceCp),
                capText(one),
                droppedText(one),
              ]),
            ),
      );
    },
  );
  addHoldChanges(hold, surroundings);
}
