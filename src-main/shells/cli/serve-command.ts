import type { Command } from 'commander';
import { isFault } from '../../base/index.ts';
import type { ServerHost } from '../headless/server-host.ts';
import { defaultConsoleFolder } from '../web/console-folder.ts';
import { addCommand, type CommandContext, type Surroundings } from './command.ts';
import { openConsole, showLaunch } from './console-opening.ts';

/** Says that the server is there, and where. */
function showReady({ output }: CommandContext, { engine, console }: ServerHost): void {
  const { processId, volumes } = engine.status();
  const places = volumes.flatMap((one) => (one.role === 'mirror' ? one.listen : []));
  const addresses = console?.addresses ?? [];
  output.item({ ready: true, processId, listen: places, volumes, console: addresses }, () => [
    `Ready: process ${processId} serves ${volumes.map((one) => `${one.name} (${one.role})`).join(', ') || 'no volumes yet'}` +
      (places.length === 0 ? '.' : `, listening at ${places.join(', ')}.`),
    ...(addresses.length === 0 ? [] : [`The console is at ${addresses.join(', ')}; \`mirrorpoint console\` opens it.`]),
  ]);
  if (console?.isBuilt === false) output.note('The console is not built yet, and its page says so: run `npm run build` in the project folder.');
}

interface ServeOptions {
  readonly listen?: string[];
  readonly console?: string;
  readonly open?: boolean;
}

async function serve(context: CommandContext, { listen = [], console, open = false }: ServeOptions): Promise<void> {
  const { output, configFolder, signal } = context;
  const { runServer } = await import('../headless/server.ts');
  await runServer({
    configFolder,
    listen,
    ...(console !== 'off' && { console: { folder: defaultConsoleFolder(), address: console } }),
    report: ({ subject, text }) => {
      output.note(`${subject}: ${text}`);
    },
    onReady: async (host) => {
      showReady(context, host);
      if (open && host.console !== undefined) await showLaunch(context, host.console.launch());
    },
    stopRequested: new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => {
        resolve();
      });
    }),
  });
  output.item({ stopped: true }, () => ['Stopped.']);
}

export function addServe(program: Command, surroundings: Surroundings): void {
  addCommand<[]>(
    program,
    surroundings,
    {
      usage: 'serve',
      summary: 'run the server in the foreground, with all volumes of the configuration folder, until SIGTERM or Ctrl-C',
      examples: ['serve', 'serve --listen tcp://127.0.0.1:7400', 'serve --listen tls://0.0.0.0:7400', 'serve --console 127.0.0.1:9000'],
    },
    (command) =>
      command
        .option('--listen <address...>', 'a place more where the mirror waits: ADDRESS, or VOLUME=ADDRESS of several mirrors')
        .option('--console <address>', 'where browsers on this machine find the console, or off (default: 127.0.0.1:7480, or a free port)')
        .option('--open', 'open the console, that of the server which runs already if one does'),
    async (context, options) => {
      const asked = options as ServeOptions;
      try {
        await serve(context, asked);
      } catch (fault) {
        if (asked.open !== true || !isFault(fault, 'server-running')) throw fault;
        context.output.note('A server runs on this configuration folder already; this is its console.');
        await openConsole(context);
      }
    },
  );
}
