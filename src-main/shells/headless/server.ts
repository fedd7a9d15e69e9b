import { ServerHost, type ServerHostOptions } from './server-host.ts';

export interface ServerOptions {
  /** Absolute. */
  readonly configFolder: string;
  readonly listen: readonly string[];
  readonly console?: ServerHostOptions['console'];
  /** Called once, when commands and peers are heard. */
  readonly onReady: (host: ServerHost) => void | Promise<void>;
  readonly report: (event: { subject: string; text: string }) => void;
  /** Resolves when the server is to stop for a reason outside, such as a signal. */
  readonly stopRequested: Promise<void>;
}

/**
 * Runs a server until it is told to stop, and then ends in order, with a final
 * CP. Throws `server-running` when another works on the folder.
 */
export async function runServer(options: ServerOptions): Promise<void> {
  const { configFolder, listen, report, console } = options;
  const asked = Promise.withResolvers<undefined>();
  const onStopAsked = (): void => {
    asked.resolve(undefined);
  };
  await using host = await ServerHost.open({ configFolder, listen, report, onStopAsked, ...(console !== undefined && { console }) });
  await options.onReady(host);
  await Promise.race([asked.promise, options.stopRequested]);
}
