import { resolve } from 'node:path';
import type { Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import type { ShareAccess, SharesReport } from '../../contract/index.ts';
import { addCommand, type CommandContext, type Surroundings } from './command.ts';
import { table } from './output.ts';
import { askNewPassword } from './password-question.ts';
import { grouped } from './peer-commands.ts';

/** Takes apart `NAME`, `NAME=read` and `NAME=write`. */
function parseUser(text: string): { name: string; access: ShareAccess } {
  const [name = '', access = 'write', ...more] = text.split('=');
  if (more.length === 0 && (access === 'read' || access === 'write')) return { name, access };
  throw new MirrorpointError('argument-invalid', `'${text}' says not what a user may do. Write NAME=read or NAME=write.`);
}

function shareLines({ shares, places }: SharesReport): string[] {
  if (shares.length === 0) return ['No volume is shared. Share one by `mirrorpoint share on VOLUME --user NAME`.'];
  const rows = shares.map(({ volume, role, isServed, users, addresses }) => [
    volume,
    role === 'mirror' ? 'read-only, the last CP' : 'live',
    users.map(({ name, access }) => `${name} (${access})`).join(', ') || 'nobody',
    isServed ? addresses.join(', ') : 'not served now',
  ]);
  const closed = places.filter(({ reachedAt }) => reachedAt === undefined).map(({ address }) => address);
  return [
    ...table(['VOLUME', 'STATE', 'USERS', 'ADDRESS'], rows),
    ...(closed.length === 0 ? [] : [`The settings have shares served at ${closed.join(', ')}, and they are not now; \`mirrorpoint events\` says why if a server runs.`]),
    ...(places.length === 0 ? ['They are served to this machine alone. `mirrorpoint share listen ADDRESS` serves them to others too.'] : []),
  ];
}

function showShares({ output }: CommandContext, report: SharesReport): void {
  output.result(report, () => shareLines(report));
}

function addSharing(group: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    group,
    surroundings,
    {
      usage: 'on <volume>',
      summary: 'let users use a volume as a network drive; a mirror is shared read-only, at its last CP',
      examples: ['share on work --user ada', 'share on work --user ada=write --user guest=read'],
    },
    (command) => command.option('--user <name...>', 'who may use it: NAME, NAME=write or NAME=read; see `mirrorpoint user add`'),
    async (context, options, volume) => {
      const { user = [] } = options as { user?: string[] };
      showShares(context, await context.withClient((client) => client.shares.on({ volume, users: user.map(parseUser) })));
    },
  );
  addCommand<[string]>(
    group,
    surroundings,
    { usage: 'off <volume>', summary: 'end that, and what clients are doing' },
    (command) => command,
    async ({ output, withClient }, _options, volume) => {
      await withClient((client) => client.shares.off({ volume }));
      output.result({}, () => [`${volume} is not shared any more.`]);
    },
  );
  addCommand<[]>(
    group,
    surroundings,
    { usage: 'list', summary: 'list the volumes that are shared, with their users and addresses', isDefault: true },
    (command) => command,
    async (context) => {
      showShares(context, await context.withClient((client) => client.shares.list({})));
    },
  );
  addCommand<[string, string]>(
    group,
    surroundings,
    { usage: 'allow <volume> <user>', summary: 'let a user use a share: USER reads and writes, USER=read only reads' },
    (command) => command,
    async (context, _options, volume, text) => {
      const { name, access } = parseUser(text);
      showShares(context, await context.withClient((client) => client.shares.allow({ volume, user: name, access })));
    },
  );
  addCommand<[string, string]>(
    group,
    surroundings,
    { usage: 'deny <volume> <user>', summary: 'let a user use a share no more' },
    (command) => command,
    async (context, _options, volume, user) => {
      showShares(context, await context.withClient((client) => client.shares.allow({ volume, user })));
    },
  );
}

export function addShareCommands(program: Command, surroundings: Surroundings): void {
  const group = program.command('share').description('volumes as network drives (WebDAV)');
  addSharing(group, surroundings);
  addCommand<[string]>(
    group,
    surroundings,
    {
      usage: 'listen <address>',
      summary: 'serve the shares at an address: to other machines by HTTPS alone',
      examples: ['share listen 0.0.0.0:7543', 'share listen 127.0.0.1:7490', 'share listen 192.168.1.20:443 --certificate chain.pem --key key.pem'],
    },
    (command) =>
      command
        .option('--certificate <file>', "a certificate with its chain, PEM (default: the server's own, which clients do not know)")
        .option('--key <file>', 'its key, PEM'),
    async ({ output, withClient }, options, address) => {
      const { certificate, key } = options as { certificate?: string; key?: string };
      const files = { ...(certificate !== undefined && { certificate: resolve(certificate) }), ...(key !== undefined && { key: resolve(key) }) };
      const { reachedAt, identity } = await withClient((client) => client.shares.listen({ address, ...files }));
      output.result({ address, reachedAt, identity }, () => [
        reachedAt === undefined ? `Shares will be served at ${address} when the server runs and a volume is shared.` : `Shares are served at ${reachedAt}.`,
        ...(identity === undefined ? [] : [`Over HTTPS clients are shown the certificate of the server itself, which they do not know. Its SHA-256: ${grouped(identity)}`]),
      ]);
    },
  );
  addCommand<[string]>(
    group,
    surroundings,
    { usage: 'unlisten <address>', summary: 'end that', examples: ['share unlisten 0.0.0.0:7543'] },
    (command) => command,
    async ({ output, withClient }, _options, address) => {
      await withClient((client) => client.shares.unlisten({ address }));
      output.result({ address }, () => [`Shares are not served at ${address} any more.`]);
    },
  );
}

export function addUserCommands(program: Command, surroundings: Surroundings): void {
  const group = program.command('user').description('who may use shares');
  const withPassword = (usage: string, summary: string, done: string, act: (context: CommandContext, user: string, password: string) => Promise<unknown>): void => {
    addCommand<[string]>(
      group,
      surroundings,
      { usage, summary: `${summary}; the password is asked for, or read from standard input` },
      (command) => command,
      async (context, _options, user) => {
        await act(context, user, await askNewPassword(user, context.signal));
        context.output.result({ user }, () => [`${user} ${done}`]);
      },
    );
  };
  withPassword('add <name>', 'add a user', 'is a user now. `mirrorpoint share allow VOLUME USER` lets a user into a share.', ({ withClient }, user, password) =>
    withClient((client) => client.users.add({ user, password })),
  );
  withPassword('password <name>', 'give a user another password', 'has another password now, and is let in by that alone.', ({ withClient }, user, password) =>
    withClient((client) => client.users.setPassword({ user, password })),
  );
  addCommand<[string]>(
    group,
    surroundings,
    { usage: 'remove <name>', summary: 'remove a user, from all shares' },
    (command) => command,
    async ({ output, withClient }, _options, user) => {
      await withClient((client) => client.users.remove({ user }));
      output.result({ user }, () => [`${user} is no user any more.`]);
    },
  );
  addCommand<[]>(
    group,
    surroundings,
    { usage: 'list', summary: 'list the users', isDefault: true },
    (command) => command,
    async ({ output, withClient }) => {
      const { users } = await withClient((client) => client.users.list({}));
      output.result({ users }, () => (users.length === 0 ? ['There are no users.'] : table(['USER', 'SHARES'], users.map(({ name, shares }) => [name, shares.join(', ')]))));
    },
  );
}
