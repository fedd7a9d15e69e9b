import { rmSync } from 'node:fs';
import { Engine, engineRouter, PeerDesk } from '../../engine/index.ts';
import { controlEndpoint, FolderLock, prepareFolder, runtimeFolder } from './config-folder.ts';
import { ControlServer } from './control-server.ts';
import { machinePorts } from './machine-ports.ts';

export interface ServerHostOptions {
  /** Absolute. */
  readonly configFolder: string;
  readonly listen: readonly string[];
  /** Somebody asks the server to stop, by its contract. */
  readonly onStopAsked: () => void;
  readonly report: (event: { subject: string; text: string }) => void;
}

/** The one who asked for the end is to get an answer first. */
const answerMs = 20;

/** A server on its configuration folder: the engine, and whoever reaches it from outside, over the control socket or as a paired server. */
export class ServerHost implements AsyncDisposable {
  readonly engine: Engine;
  readonly #parts: AsyncDisposableStack;
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, parts: AsyncDisposableStack) {
    this.engine = engine;
    this.#parts = parts;
  }

  /** Throws `server-running` when another works on the folder. */
  static async open(options: ServerHostOptions): Promise<ServerHost> {
    const { configFolder, listen, onStopAsked, report } = options;
    prepareFolder(configFolder);
    prepareFolder(runtimeFolder());
    await using opened = new AsyncDisposableStack();
    opened.use(await FolderLock.take(configFolder));
    const ports = machinePorts({ configFolder, report, requestStop: () => setTimeout(onStopAsked, answerMs) });
    const engine = opened.use(await Engine.open(ports, { serve: true, listen }));
    opened.use(PeerDesk.open(engine));
    const endpoint = controlEndpoint(configFolder);
    opened.use(
      await ControlServer.open({
        endpoint,
        router: engineRouter,
        newContext: () => {
          const session = engine.newSession();
          return { context: { engine, session }, close: () => session.close() };
        },
      }),
    );
    opened.defer(() => {
      if (!endpoint.startsWith('\\\\')) rmSync(endpoint, { force: true });
    });
    return new ServerHost(engine, opened.move());
  }

  /** Ends in order, with a final CP. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.disposeAsync();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
