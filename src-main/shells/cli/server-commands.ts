import type { Command } from 'commander';
import { formatBytes, isFault, MirrorpointError, systemClock } from '../../base/index.ts';
import type { PeerStatus, RelationshipStatus, ServerStatus } from '../../contract/index.ts';
import { connectControl } from '../headless/control-client.ts';
import { controlEndpoint, FolderLock } from '../headless/config-folder.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { alertLine, eventLine } from './event-commands.ts';
import { exitCodes } from './exit-codes.ts';
import { table, toJson } from './output.ts';
import { parsePeer, withPeerOption } from './peer-reading.ts';
import { addServe } from './serve-command.ts';
import { formatDuration, formatTime } from './values.ts';

/** How long `stop` waits for the final CP. */
const stopWaitMs = 600_000;
const stopPollMs = 50;

const isIdentity = /^[0-9a-f]{32,64}$/;

/** The server at the other end: where it is, or its name where it is the one that opens the links. */
function otherEnd({ address, peerName }: RelationshipStatus): string {
  return isIdentity.test(address) ? `'${peerName ?? `${address.slice(0, 8)}…`}'` : address;
}

/** A relationship in one line: its ends, the verdict with what to do, what went over. */
export function relationshipLine(status: RelationshipStatus): string {
  const { volume, role, address, verdict, hold } = status;
  const ends = role === 'primary' ? `${volume} -> ${otherEnd(status)}` : `${volume} <- ${status.peerName ?? 'its primary'} (at ${address})`;
  const next = verdict.next === undefined ? '' : ` ${verdict.next}`;
  const limit = status.limitBytesPerSecond === undefined ? '' : `, at most ${formatBytes(status.limitBytesPerSecond)}/s`;
  const traffic = `${formatBytes(status.bytesSent)} sent, ${formatBytes(status.bytesReceived)} received${limit}`;
  const held = hold === undefined || hold.heldBytes === 0 ? '' : `; held by the mirror: ${formatBytes(hold.heldBytes)} of at most ${formatBytes(hold.heldCapBytes)}`;
  return `${ends}: ${verdict.sentence}${next} (${traffic}${held})`;
}

function volumeTable(volumes: PeerStatus['volumes']): string[] {
  return table(
    ['VOLUME', 'ROLE', 'STATE', '>CP', 'TAKEN'],
    volumes.map((one) => [one.name, one.role, one.state, one.cp === undefined ? '-' : String(one.cp), formatTime(one.cpWallMs ?? 0)]),
  );
}

const transitions = {
  'handing-over': 'is being handed over to its mirror, and takes no changes until that is settled',
  promoting: 'becomes the primary',
  'stepping-down': 'becomes a mirror',
} as const;

function transitionLine({ name, transition }: ServerStatus['volumes'][number]): string[] {
  return transition === undefined ? [] : [`Volume ${name} ${transitions[transition]}.`];
}

function statusLines(status: ServerStatus): string[] {
  const head = status.serving
    ? `Server ${status.serverName} (process ${status.processId}), up ${formatDuration(status.wallMs - status.startedWallMs)}, version ${status.version}`
    : `No server runs on ${status.configFolder}.`;
  const volumes = volumeTable(status.volumes);
  const faults = status.volumes.flatMap(({ name, fault }) =>
    fault === undefined ? [] : [`Volume ${name} is not served: ${fault.message} [${fault.code}]`],
  );
  return [
    head,
    ...(status.volumes.length === 0 ? ['There are no volumes here.'] : volumes),
    ...faults,
    ...status.volumes.flatMap(transitionLine),
    ...status.relationships.map(relationshipLine),
    ...status.alerts.map(alertLine),
    ...status.events.slice(-5).map(eventLine),
  ];
}

async function watch({ output, withClient, signal }: CommandContext): Promise<void> {
  await withClient(
    async (client) => {
      try {
        for await (const status of eventsOf(client.server.watch({}), signal)) {
          const { relationships, alerts } = status;
          output.item(JSON.parse(toJson(status)), () => [
            ...(relationships.length === 0 ? ['There are no relationships here.'] : relationships.map(relationshipLine)),
            ...alerts.map(alertLine),
          ]);
        }
      } catch (thrown) {
        // Ctrl-C is how one stops watching.
        if (!signal.aborted) throw thrown;
      }
    },
    { needsServer: true },
  );
}

/** What a paired server says of the volumes that the two share. */
async function showPeer({ output, withClient }: CommandContext, peer: string): Promise<void> {
  const status = await withClient((client) => client.remote.server.about(parsePeer(peer)));
  output.result(JSON.parse(toJson(status)), () => [
    `Server ${status.serverName}, version ${status.version}, its clock at ${formatTime(status.wallMs)}`,
    ...(status.volumes.length === 0 ? ['It shares no volume with this server.'] : volumeTable(status.volumes)),
    ...status.relationships.map(relationshipLine),
  ]);
}

async function isFree(configFolder: string): Promise<boolean> {
  try {
    await using _lock = await FolderLock.take(configFolder);
    return true;
  } catch (fault) {
    if (isFault(fault, 'server-running')) return false;
    throw fault;
  }
}

async function stopServer({ configFolder, withClient }: CommandContext): Promise<boolean> {
  await withClient((client) => client.server.stop({}), { needsServer: true });
  const deadlineMs = systemClock.monotonicMs() + stopWaitMs;
  while (systemClock.monotonicMs() < deadlineMs) {
    const control = await connectControl(controlEndpoint(configFolder));
    // The final CP comes after the last connection; who holds the folder then has let go of everything.
    if (control === undefined && (await isFree(configFolder))) return true;
    await control?.close();
    await new Promise((resolve) => setTimeout(resolve, stopPollMs));
  }
  return false;
}

export function addServerCommands(program: Command, surroundings: Surroundings): void {
  addServe(program, surroundings);
  addCommand<[]>(
    program,
    surroundings,
    { usage: 'stop', summary: 'stop the running server, with a final CP' },
    (command) => command,
    async (context) => {
      const isStopped = await stopServer(context);
      if (!isStopped) context.exitWith(exitCodes.fault);
      context.output.result({ stopped: isStopped }, () => [isStopped ? 'The server has stopped.' : 'The server is still stopping. Look again by `mirrorpoint status`.']);
    },
  );
  addCommand<[]>(
    program,
    surroundings,
    {
      usage: 'status',
      summary: 'show the server, its volumes and how far mirrors are behind',
      examples: ['status --watch', 'status --json', 'status --peer office'],
    },
    (command) => withPeerOption(command.option('--watch', 'follow the relationships and alerts until Ctrl-C')),
    async (context, options) => {
      const { watch: isWatching = false, peer } = options as { watch?: boolean; peer?: string };
      if (isWatching && peer !== undefined) {
        throw new MirrorpointError('argument-invalid', 'Only this server is watched; a paired one is looked at. Use --watch or --peer.');
      }
      if (isWatching) return watch(context);
      if (peer !== undefined) return showPeer(context, peer);
      const status = await context.withClient((client) => client.server.status({}));
      context.output.result(JSON.parse(toJson(status)), () => statusLines(status));
    },
  );
}
