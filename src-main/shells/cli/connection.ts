import { isFault, MirrorpointError, systemClock } from '../../base/index.ts';
import { controlEndpoint } from '../headless/config-folder.ts';
import { connectControl } from '../headless/control-client.ts';
import type { CommandClient } from '../web/console-contract.ts';

/** How long a command waits for another one on the same configuration folder. */
const lockWaitMs = 10_000;
const lockPollMs = 100;

/** What a command speaks to: the running server of its configuration folder, or the engine in its own process. */
export interface Connection extends AsyncDisposable {
  readonly client: CommandClient;
  readonly isServer: boolean;
}

/**
 * Finds the server of a configuration folder. Without one the command does the
 * work itself, while it keeps servers off the folder, unless only a server can.
 * Throws `server-not-running` and `server-running`.
 */
export async function openConnection(
  configFolder: string,
  options: { needsServer: boolean; report: (text: string) => void },
): Promise<Connection> {
  const endpoint = controlEndpoint(configFolder);
  const deadlineMs = systemClock.monotonicMs() + lockWaitMs;
  for (;;) {
    const control = await connectControl(endpoint);
    if (control !== undefined) {
      return { client: control.client, isServer: true, [Symbol.asyncDispose]: () => control.close() };
    }
    if (options.needsServer) {
      throw new MirrorpointError(
        'server-not-running',
        `No server runs on the configuration folder ${configFolder}. Start one by \`mirrorpoint serve\`, or name another folder by --config.`,
      );
    }
    try {
      // Loaded only here: a command that asks a server starts in less than half of the time.
      const { openOwnEngine } = await import('./own-engine.ts');
      const own = await openOwnEngine(configFolder, options.report);
      return { client: own.client, isServer: false, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
    } catch (fault) {
      // A server that starts or stops, or another command, holds the folder for a moment.
      if (!isFault(fault, 'server-running') || systemClock.monotonicMs() >= deadlineMs) throw fault;
    }
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}
