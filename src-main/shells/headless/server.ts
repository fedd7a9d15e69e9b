import { rmSync } from 'node:fs';
import type { ServerStatus } from '../../contract/index.ts';
import { Engine, engineRouter, PeerDesk } from '../../engine/index.ts';
import { controlEndpoint, FolderLock, prepareFolder, runtimeFolder } from './config-folder.ts';
import { ControlServer } from './control-server.ts';
import { machinePorts } from './machine-ports.ts';
import { keepYoungSpaceSmall } from './server-memory.ts';

export interface ServerOptions {
  /** Absolute. */
  readonly configFolder: string;
  readonly listen: readonly string[];
  /** Called once, when commands and peers are heard. */
  readonly onReady: (status: ServerStatus) => void;
  readonly report: (event: { subject: string; text: string }) => void;
  /** Resolves when the server is to stop for a reason outside, such as a signal. */
  readonly stopRequested: Promise<void>;
}

/**
 * Runs a server until it is told to stop, and then ends in order, with a final
 * CP. Throws `server-running` when another works on the folder.
 */
export async function runServer(options: ServerOptions): Promise<void> {
  const { configFolder, report } = options;
  keepYoungSpaceSmall();
  prepareFolder(configFolder);
  prepareFolder(runtimeFolder());
  await using _lock = await FolderLock.take(configFolder);
  const asked = Promise.withResolvers<undefined>();
  const ports = machinePorts({
    configFolder,
    // The one who asked is to get an answer first.
    requestStop: () => setTimeout(asked.resolve, 20),
    report,
  });
  await using engine = await Engine.open(ports, { serve: true, listen: options.listen });
  await using _peers = PeerDesk.open(engine);
  const endpoint = controlEndpoint(configFolder);
  await using _control = await ControlServer.open({
    endpoint,
    router: engineRouter,
    newContext: () => {
      const session = engine.newSession();
      return { context: { engine, session }, close: () => session.close() };
    },
  });
  options.onReady(engine.status());
  await Promise.race([asked.promise, options.stopRequested]);
  if (!endpoint.startsWith('\\\\')) rmSync(endpoint, { force: true });
}
