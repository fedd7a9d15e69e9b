import { spawn } from 'node:child_process';
import type { CommandContext } from './command.ts';
import { formatTime } from './values.ts';

/** How the system opens an address, in the browser that its user prefers. */
function opener(address: string): { program: string; words: string[] } {
  if (process.platform === 'win32') return { program: 'cmd', words: ['/d', '/c', 'start', '""', address] };
  return { program: process.platform === 'darwin' ? 'open' : 'xdg-open', words: [address] };
}

/** Whether somebody sits before this machine, and not before one that reaches it over a network. */
function isAtDesktop(): boolean {
  const { env, platform, stdout } = process;
  if (!stdout.isTTY || env.SSH_CONNECTION !== undefined) return false;
  return platform === 'linux' ? Boolean(env.DISPLAY ?? env.WAYLAND_DISPLAY) : true;
}

/** Resolves to whether the system took the address; what becomes of it then is the browser's. */
function openInBrowser(address: string): Promise<boolean> {
  const { program, words } = opener(address);
  const child = spawn(program, words, { detached: true, stdio: 'ignore', windowsVerbatimArguments: true });
  child.unref();
  return new Promise((resolve) => {
    child.once('error', () => {
      resolve(false);
    });
    child.once('spawn', () => {
      resolve(true);
    });
  });
}

interface Launch {
  readonly address: string;
  readonly expiresWallMs: number;
}

/** Prints an address that lets one browser in, and opens it where there is a desktop, or where that is asked for. */
export async function showLaunch({ output }: CommandContext, launch: Launch, wish?: boolean): Promise<void> {
  const { address, expiresWallMs } = launch;
  output.item({ console: address, expiresWallMs }, () => [
    `Open the console at ${address}`,
    `The address lets one browser in, once, until ${formatTime(expiresWallMs)}; afterwards make another by \`mirrorpoint console\`.`,
  ]);
  if (!(wish ?? isAtDesktop())) return;
  if (!(await openInBrowser(address))) output.note('No browser could be opened from here. Open the address in one yourself.');
}

/** Lets a browser into the console of the server that runs. */
export async function openConsole(context: CommandContext, wish?: boolean): Promise<void> {
  const launch = await context.withClient((client) => client.console.launch({}), { needsServer: true });
  await showLaunch(context, launch, wish);
}
