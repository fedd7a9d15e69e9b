import { rmSync } from 'node:fs';
import { RPCHandler } from '@orpc/server/ws';
import { Engine, PeerDesk } from '../../engine/index.ts';
import { ConsoleDesk, passwordOf } from '../web/console-desk.ts';
import { commandRouter } from '../web/console-procedures.ts';
import { WebConsole } from '../web/web-console.ts';
import { controlEndpoint, FolderLock, prepareFolder, runtimeFolder } from './config-folder.ts';
import { ControlServer } from './control-server.ts';
import type { StartProgram } from './child-program.ts';
import { machinePorts } from './machine-ports.ts';

export interface ServerHostOptions {
  /** Absolute. */
  readonly configFolder: string;
  readonly listen: readonly string[];
  /** Somebody asks the server to stop, by its contract. */
  readonly onStopAsked: () => void;
  readonly report: (event: { subject: string; text: string }) => void;
  /** Starts the programs that run beside the server, where Node is not there to do it. */
  readonly startProgram?: StartProgram;
  /** The console for browsers: where its files are, and where it is served to this machine. Left out: there is none. */
  readonly console?: { readonly folder: string; readonly address?: string | undefined };
}

/** The one who asked for the end is to get an answer first. */
const answerMs = 20;

/** A server on its configuration folder: the engine, and whoever reaches it from outside, over the control socket or as a paired server. */
export class ServerHost implements AsyncDisposable {
  readonly engine: Engine;
  readonly console: WebConsole | undefined;
  readonly #parts: AsyncDisposableStack;
  #closing: Promise<void> | undefined;

  private constructor(parts: { engine: Engine; console: WebConsole | undefined; stack: AsyncDisposableStack }) {
    this.engine = parts.engine;
    this.console = parts.console;
    this.#parts = parts.stack;
  }

  /** Throws `server-running` when another works on the folder. */
  static async open(options: ServerHostOptions): Promise<ServerHost> {
    const { configFolder, listen, onStopAsked, report, startProgram } = options;
    prepareFolder(configFolder);
    prepareFolder(runtimeFolder());
    await using opened = new AsyncDisposableStack();
    opened.use(await FolderLock.take(configFolder));
    const ports = machinePorts({
      configFolder,
      report,
      requestStop: () => setTimeout(onStopAsked, answerMs),
      ...(startProgram !== undefined && { startProgram }),
    });
    const engine = opened.use(await Engine.open(ports, { serve: true, listen }));
    opened.use(PeerDesk.open(engine));
    const place = options.console;
    const web =
      place === undefined
        ? undefined
        : opened.use(await WebConsole.open({ engine, password: passwordOf(engine), consoleFolder: place.folder, address: place.address }));
    const desk = new ConsoleDesk(engine, web);
    const endpoint = controlEndpoint(configFolder);
    const handler = new RPCHandler(commandRouter);
    opened.use(
      await ControlServer.open({
        endpoint,
        answer: (socket) => {
          const session = engine.newSession();
          void handler.upgrade(socket, { context: { engine, session, desk } });
          return session;
        },
        onGarbled: () => {
          engine.events.add('server', 'A command sent a message that is none. Its connection was ended.', { level: 'warning' });
        },
      }),
    );
    opened.defer(() => {
      if (!endpoint.startsWith('\\\\')) rmSync(endpoint, { force: true });
    });
    return new ServerHost({ engine, console: web, stack: opened.move() });
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
