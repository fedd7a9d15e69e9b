import { resolve } from 'node:path';
import { type Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import { defaultConfigFolder } from '../headless/config-folder.ts';
import type { CommandClient } from '../web/console-contract.ts';
import { openConnection } from './connection.ts';
import { exitCodes } from './exit-codes.ts';
import { Output, type Streams } from './output.ts';

/** What every command is given. */
export interface CommandContext {
  readonly output: Output;
  /** Absolute. */
  readonly configFolder: string;
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Connects to the server, or does without one, for the time of the work. */
  readonly withClient: <T>(work: (client: CommandClient) => Promise<T>, options?: { needsServer?: boolean }) => Promise<T>;
  /** Ends the process with this status, unless a worse one was set. */
  readonly exitWith: (code: number) => void;
}

/** How commands reach the world: the streams, the signal and the status of their process. */
export interface Surroundings {
  readonly streams: Streams;
  readonly signal: AbortSignal;
  exitCode: number;
}

export interface CommandSpec {
  /** As commander writes it: name and arguments. */
  readonly usage: string;
  readonly summary: string;
  readonly examples?: readonly string[];
  /** What the group of commands does by itself. */
  readonly isDefault?: boolean;
}

/** What was given behind the words. */
export type Options = Readonly<Record<string, unknown>>;

function contextFor(surroundings: Surroundings, options: Options): CommandContext {
  const { json, config } = options as { json?: boolean; config?: string };
  const output = new Output({ json: json === true, streams: surroundings.streams });
  const configFolder = resolve(config ?? defaultConfigFolder());
  return {
    output,
    configFolder,
    signal: surroundings.signal,
    async withClient(work, { needsServer = false } = {}) {
      const report = (text: string): void => {
        output.note(text);
      };
      await using connection = await openConnection(configFolder, { needsServer, report });
      return await work(connection.client);
    },
    exitWith(code) {
      if (surroundings.exitCode === exitCodes.ok) surroundings.exitCode = code;
    },
  };
}

/** Adds a command that does something, with the options that all of them have. */
// Each command names the types of its arguments here.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function addCommand<Values extends unknown[]>(
  parent: Command,
  surroundings: Surroundings,
  spec: CommandSpec,
  define: (command: Command) => Command,
  run: (context: CommandContext, options: Options, ...values: Values) => Promise<void>,
): void {
  const command = define(parent.command(spec.usage, { isDefault: spec.isDefault ?? false }).description(spec.summary))
    .option('--config <folder>', 'the configuration folder (also MIRRORPOINT_CONFIG)')
    .option('--json', 'print JSON: one document, or a line for each event of a stream');
  if (spec.examples !== undefined) {
    const lines = spec.examples.map((example) => `  $ mirrorpoint ${example}`);
    command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
  command.action(async (...parameters: unknown[]) => {
    // Commander hands over the arguments, then the options and the command itself.
    const values = parameters.slice(0, -2) as Values;
    await run(contextFor(surroundings, command.optsWithGlobals()), command.opts(), ...values);
  });
}

/** The events of a stream, until it ends or Ctrl-C asks to stop; then the work is cancelled. Throws `cancelled`. */
export async function* eventsOf<T>(
  stream: Promise<AsyncIterable<T>>,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const iterator = (await stream)[Symbol.asyncIterator]();
  const stopped = Promise.withResolvers<'stopped'>();
  const stop = (): void => {
    stopped.resolve('stopped');
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    for (;;) {
      const pending = iterator.next();
      const next = await Promise.race([pending, stopped.promise]);
      if (next === 'stopped') {
        pending.catch(() => undefined);
        throw new MirrorpointError('cancelled', 'Stopped on request; what was finished before stays.');
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await iterator.return?.();
  }
}
