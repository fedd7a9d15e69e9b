import { Engine } from '../../engine/index.ts';
import { FolderLock, prepareFolder, runtimeFolder } from '../headless/config-folder.ts';
import { machinePorts } from '../headless/machine-ports.ts';
import { ConsoleDesk } from '../web/console-desk.ts';
import type { CommandClient } from '../web/console-contract.ts';
import { commandClientOf } from '../web/console-procedures.ts';

/** An engine in the command's own process, which keeps servers off the folder. Throws `server-running`. */
export async function openOwnEngine(configFolder: string, report: (text: string) => void): Promise<AsyncDisposable & { readonly client: CommandClient }> {
  prepareFolder(configFolder);
  prepareFolder(runtimeFolder());
  const lock = await FolderLock.take(configFolder);
  try {
    const ports = machinePorts({
      configFolder,
      requestStop: () => undefined,
      report: ({ subject, text }) => {
        report(`${subject}: ${text}`);
      },
    });
    const engine = await Engine.open(ports, { serve: false });
    const session = engine.newSession();
    return {
      client: commandClientOf({ engine, session, desk: new ConsoleDesk(engine) }),
      async [Symbol.asyncDispose]() {
        try {
          await session.close();
          await engine.close();
        } finally {
          await lock.close();
        }
      },
    };
  } catch (fault) {
    await lock.close();
    throw fault;
  }
}
