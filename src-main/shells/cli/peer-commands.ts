import type { Command } from 'commander';
import type { MirrorpointClient, Peer, PairingEvent } from '../../contract/index.ts';
import { addCommand, type CommandContext, eventsOf, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { askAtTerminal } from './question.ts';
import { formatTime } from './values.ts';

type Question = Extract<PairingEvent, { type: 'question' }>;

/** An identity as people compare it: in groups of four digits. */
export function grouped(identity: string): string {
  return identity.replace(/(.{4})(?=.)/g, '$1 ');
}

/** Who would be what, in one sentence. */
function directionOf(question: Question): string {
  const { name, role } = question;
  return role === 'primary'
    ? `'${name}' would be the primary: it may send its volumes to mirrors on this server.`
    : `'${name}' would be the mirror: volumes of this server may be sent to it.`;
}

function questionLines(question: Question, own: { name: string; identity: string }): string[] {
  return [
    `The server '${question.name}' at ${question.remote} wants to be paired with '${own.name}', which is this one.`,
    `  its identity:  ${grouped(question.identity)}`,
    `  this server's: ${grouped(own.identity)}`,
    `  ${directionOf(question)}`,
  ];
}

interface Following {
  readonly client: MirrorpointClient;
  readonly stream: Promise<AsyncIterable<PairingEvent>>;
  readonly isYes: boolean;
}

/** Shows what happens, and answers the question: by --yes, or by asking. */
async function follow(context: CommandContext, { client, stream, isYes }: Following): Promise<void> {
  const { output, signal } = context;
  const own = await client.peers.list({});
  for await (const event of eventsOf(stream, signal)) {
    if (event.type === 'waiting') output.progress('Waiting for the other server...');
    else output.item(event, () => eventLines(event, own));
    if (event.type === 'question') {
      const isAccepted = isYes || (await askAtTerminal('Pair the two?', signal));
      await client.pairing.answer({ questionId: event.questionId, isAccepted });
    }
  }
}

function eventLines(event: Exclude<PairingEvent, { type: 'waiting' }>, own: { name: string; identity: string }): string[] {
  switch (event.type) {
    case 'invitation':
      return [
        `This server is '${own.name}', ${grouped(event.identity)}.`,
        'Hand this line to the administrator of the server whose volume is to be mirrored here; who has it can ask to pair:',
        '',
        `mirrorpoint pair ${event.text}`,
        '',
        `It is good once, until ${formatTime(event.expiresWallMs)}, while this command runs.`,
      ];
    case 'question':
      return questionLines(event, own);
    case 'paired':
      return [`Paired with '${event.peer.name}', ${grouped(event.peer.identity)}.`];
  }
}

function addPairing(program: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    program,
    surroundings,
    {
      usage: 'invite',
      summary: "on the mirror's server: make an invitation for the server of a primary, and wait for it",
      examples: ['invite', 'invite --address tls://mirror.example.org:7400'],
    },
    (command) =>
      command
        .option('--address <address...>', 'where the other server reaches this one: tls://HOST:PORT (default: all addresses of this machine)')
        .option('--yes', 'agree to the server that comes with the invitation without asking'),
    async (context, options) => {
      const { address = [], yes = false } = options as { address?: string[]; yes?: boolean };
      await context.withClient(
        (client) => follow(context, { client, stream: client.pairing.invite({ addresses: address }), isYes: yes }),
        { needsServer: true },
      );
    },
  );
  addCommand<[string[]]>(
    program,
    surroundings,
    { usage: 'pair <invitation...>', summary: "on the primary's server: take up the invitation of a mirror's server" },
    (command) => command.option('--yes', 'agree to the server that made the invitation without asking'),
    async (context, options, invitation) => {
      const { yes = false } = options as { yes?: boolean };
      await context.withClient((client) =>
        follow(context, { client, stream: client.pairing.accept({ invitation: invitation.join('') }), isYes: yes }),
      );
    },
  );
}

function peerRow(peer: Peer): string[] {
  const roles = peer.roles.map((role) => (role === 'primary' ? 'sends to this server' : 'receives from this server'));
  const state = peer.revokedWallMs === undefined ? roles.join(', ') : `revoked ${formatTime(peer.revokedWallMs)}`;
  return [peer.name, state, formatTime(peer.pairedWallMs), peer.identity];
}

function addPeersGroup(program: Command, surroundings: Surroundings): void {
  const peers = program.command('peers').description('the servers that were paired with this one');
  addCommand<[]>(
    peers,
    surroundings,
    { usage: 'list', summary: 'show this server and the ones that were paired with it' },
    (command) => command.option('--nearby', 'show the servers of the local network that have an invitation open instead'),
    async ({ output, withClient }, options) => {
      if ((options as { nearby?: boolean }).nearby === true) {
        const { servers } = await withClient((client) => client.pairing.nearby({}));
        output.result({ servers }, () =>
          servers.length === 0
            ? ['No server of the local network has an invitation open.']
            : table(['NAME', 'ADDRESSES', 'IDENTITY (not proven)'], servers.map((one) => [one.name, one.addresses.join(', '), one.identity])),
        );
        return;
      }
      const list = await withClient((client) => client.peers.list({}));
      output.result(list, () => [
        `This server is '${list.name}', ${grouped(list.identity)}.`,
        ...(list.peers.length === 0
          ? ['No server was paired with it. Make an invitation by `mirrorpoint invite` on the one that is to hold the mirror.']
          : table(['PEER', 'STATE', 'PAIRED', 'IDENTITY'], list.peers.map(peerRow))),
      ]);
    },
  );
  addCommand<[string, string]>(
    peers,
    surroundings,
    { usage: 'rename <peer> <name>', summary: 'call a paired server something else here' },
    (command) => command,
    async ({ output, withClient }, _options, peer, name) => {
      const renamed = await withClient((client) => client.peers.rename({ peer, name }));
      output.result(renamed, () => [`The server is called '${renamed.name}' here.`]);
    },
  );
  addCommand<[string]>(
    peers,
    surroundings,
    { usage: 'revoke <peer>', summary: 'trust a server no more; its links are cut at once' },
    (command) => command,
    async ({ output, withClient }, _options, peer) => {
      const revoked = await withClient((client) => client.peers.revoke({ peer }));
      output.result(revoked, () => [`The server '${revoked.name}' is refused from now on. It can come back by a new invitation only.`]);
    },
  );
}

export function addPeerCommands(program: Command, surroundings: Surroundings): void {
  addPairing(program, surroundings);
  addPeersGroup(program, surroundings);
}
