import { dialog } from 'electron';
import { isFault, reasonOf, systemClock } from '../../base/index.ts';
import { controlEndpoint } from '../headless/config-folder.ts';
import { connectControl } from '../headless/control-client.ts';
import { ServerHost, type ServerHostOptions } from '../headless/server-host.ts';
import { folderPollMs, folderWaitMs } from './limits.ts';

/** Whether a server answers there, and not a command that is at work for a moment. */
async function isServerAt(configFolder: string): Promise<boolean> {
  await using control = await connectControl(controlEndpoint(configFolder));
  return control !== undefined;
}

/** Opens the server in this process. Throws `server-running` when another one has the folder, and the faults of opening. */
export async function openDesktopServer(options: ServerHostOptions): Promise<ServerHost> {
  const deadlineMs = systemClock.monotonicMs() + folderWaitMs;
  for (;;) {
    try {
      return await ServerHost.open(options);
    } catch (fault) {
      const isOver = systemClock.monotonicMs() >= deadlineMs;
      if (!isFault(fault, 'server-running') || isOver || (await isServerAt(options.configFolder))) throw fault;
    }
    await new Promise((resolve) => setTimeout(resolve, folderPollMs));
  }
}

/** Says why there is no server in this process, and what to do instead. */
export async function explainStart(fault: unknown, configFolder: string): Promise<void> {
  const isRunning = isFault(fault, 'server-running');
  await dialog.showMessageBox({
    type: isRunning ? 'info' : 'error',
    title: 'Mirrorpoint',
    message: isRunning ? 'A Mirrorpoint server runs already.' : 'Mirrorpoint could not start its server.',
    detail: isRunning
      ? `Another process serves the configuration folder ${configFolder}. Open its console in the browser by \`mirrorpoint console\`, ` +
        'or end it by `mirrorpoint stop` and start Mirrorpoint again. This window closes now; the server goes on.'
      : `${reasonOf(fault)}${isFault(fault) ? ` [${fault.code}]` : ''}`,
    buttons: ['Quit'],
  });
}
