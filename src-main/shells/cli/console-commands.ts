import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ConsoleStatus } from '../web/console-contract.ts';
import { addCommand, type Surroundings } from './command.ts';
import { openConsole } from './console-opening.ts';
import { grouped } from './peer-commands.ts';
import { askNewPassword } from './password-question.ts';

function statusLines({ addresses, places, isPasswordSet, sessionCount, isBuilt }: ConsoleStatus): string[] {
  const closed = places.filter(({ reachedAt }) => reachedAt === undefined);
  return [
    addresses.length === 0 ? 'The console is not served now.' : `The console is served at ${addresses.join(', ')}, to ${sessionCount} browsers now.`,
    ...closed.map(({ address }) => `The settings have it served at ${address} too, and it is not${addresses.length === 0 ? '.' : '; `mirrorpoint events` says why.'}`),
    ...places.flatMap(({ address, names }) => (names.length === 0 ? [] : [`${address} goes by the names ${names.join(', ')} as well.`])),
    isPasswordSet ? 'A password is set.' : 'No password is set, so only this machine is served.',
    ...(addresses.length === 0 || isBuilt ? [] : ['The console is not built: run `npm run build` in the project folder.']),
  ];
}

function addEntering(group: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    group,
    surroundings,
    {
      usage: 'open',
      summary: 'print an address that lets one browser in, and open it where there is a desktop',
      examples: ['console', 'console --no-open', 'console --json'],
      isDefault: true,
    },
    (command) => command.option('--open', 'open a browser in any case').option('--no-open', 'only print the address'),
    (context, options) => openConsole(context, (options as { open?: boolean }).open),
  );
  addCommand<[]>(
    group,
    surroundings,
    { usage: 'logout', summary: 'end the sessions of all browsers' },
    (command) => command,
    async (context) => {
      const { sessionCount } = await context.withClient((client) => client.console.logOut({}));
      context.output.result({ sessionCount }, () => [sessionCount === 0 ? 'No browser was in.' : `Ended the sessions of ${sessionCount} browsers.`]);
    },
  );
}

function addPassword(group: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    group,
    surroundings,
    {
      usage: 'password',
      summary: 'set the password by which other machines may come in; it is asked for, or read from standard input',
      examples: ['console password', 'console password < FILE', 'console password --remove'],
    },
    (command) => command.option('--remove', 'have no password'),
    async (context, options) => {
      const { remove = false } = options as { remove?: true };
      if (remove) await context.withClient((client) => client.console.removePassword({}));
      else {
        const password = await askNewPassword('the console', context.signal);
        await context.withClient((client) => client.console.setPassword({ password }));
      }
      context.output.result({ isPasswordSet: !remove }, () => [remove ? 'The console has no password now.' : 'The password is set. Whoever came in by an older one is out.']);
    },
  );
}

export function addConsoleCommands(program: Command, surroundings: Surroundings): void {
  const group = program.command('console').description('the console in a browser: come in, and say who else may');
  addEntering(group, surroundings);
  addPassword(group, surroundings);
  addCommand<[]>(
    group,
    surroundings,
    { usage: 'status', summary: 'show where the console is served, and whether a password is set' },
    (command) => command,
    async (context) => {
      const status = await context.withClient((client) => client.console.status({}));
      context.output.result(status, () => statusLines(status));
    },
  );
  addCommand<[string]>(
    group,
    surroundings,
    {
      usage: 'listen <address>',
      summary: 'serve the console to other machines too, encrypted, to whoever knows the password',
      examples: [
        'console listen 0.0.0.0:7443 --name files.example.org',
        'console listen 192.168.1.20:7443 --certificate chain.pem --key key.pem',
      ],
    },
    (command) =>
      command
        .option('--name <name...>', 'a name by which browsers reach this machine')
        .option('--certificate <file>', "a certificate with its chain, PEM (default: the server's own, which browsers do not know)")
        .option('--key <file>', 'its key, PEM'),
    async ({ output, withClient }, options, address) => {
      const { name: names = [], certificate, key } = options as { name?: string[]; certificate?: string; key?: string };
      const files = { ...(certificate !== undefined && { certificate: resolve(certificate) }), ...(key !== undefined && { key: resolve(key) }) };
      const { reachedAt, identity } = await withClient((client) => client.console.listen({ address, names, ...files }));
      output.result({ address, reachedAt, identity }, () => [
        reachedAt === undefined ? `The console will be served at ${address} when the server runs.` : `The console is served at ${reachedAt}.`,
        ...(identity === undefined
          ? []
          : [`Browsers do not know its certificate, and warn. Compare the SHA-256 that they show before you go on: ${grouped(identity)}`]),
      ]);
    },
  );
  addCommand<[string]>(
    group,
    surroundings,
    { usage: 'unlisten <address>', summary: 'end that', examples: ['console unlisten 0.0.0.0:7443'] },
    (command) => command,
    async ({ output, withClient }, _options, address) => {
      await withClient((client) => client.console.unlisten({ address }));
      output.result({ address }, () => [`The console is not served at ${address} any more.`]);
    },
  );
}
